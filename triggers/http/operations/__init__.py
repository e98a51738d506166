"""Routes about the app itself: health, configuration, dead letters, status URLs."""
