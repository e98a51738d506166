"""Azure Confidential Ledger over its real wire: entries that are added and read, and never changed or removed."""
