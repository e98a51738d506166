"""Activities of drift: count a run into its model's window, judge the window, and tell the verdict."""
