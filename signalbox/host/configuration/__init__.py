"""The app's own files that configure the host."""
