"""The trial of a batch deployment before people are asked: some rows of the hold-out are scored as a file."""
