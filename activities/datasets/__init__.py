"""Side effects of publishing a data set, from the copy of its files to the announcement."""
