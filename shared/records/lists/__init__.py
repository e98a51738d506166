"""The lists of runs, promotions and imports: a row for each, and an index of the rows by time."""
