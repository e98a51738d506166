"""Azure Confidential Ledger: its transactions over REST, and the audit log's heads that are published there."""
