"""Use cases of published data sets: asking for a publication, and reading a version that was published."""
