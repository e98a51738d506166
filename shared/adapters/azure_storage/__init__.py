"""Azure Blob Storage: the Data Hub, and what the app keeps there."""
