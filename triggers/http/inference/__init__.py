"""Routes of runs, predictions and data checks."""
