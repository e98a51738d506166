"""Worker processes: the app's code runs in them, so that nothing it does can end the host."""
