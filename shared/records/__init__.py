"""What the app keeps in the state container: the paths, and the logs and lists that lie there."""
