"""The documented operations of azure-ai-ml: which the local Azure ML serves, and which it answers with 501."""
