"""The lists of runs and promotions: a row for each, and an index of the rows by time."""
