"""Decisions of batch inference: what arrived, which route takes it, and what becomes of a run."""
