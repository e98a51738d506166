"""Path patterns and templates of the hub."""
