"""Use cases of drift."""
