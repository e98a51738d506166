"""What is looked at when an app is loaded, and what is said of an app that cannot be."""
