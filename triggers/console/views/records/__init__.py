"""What is on record: the audit log, data sets and their contracts, the configuration, and a search for any of it."""
