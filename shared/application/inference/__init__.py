"""Use cases of batch inference."""
