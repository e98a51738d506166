"""Batch endpoints: their deployments, the jobs that they start, and the processes that score."""
