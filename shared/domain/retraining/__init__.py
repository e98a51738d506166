"""Retraining: why a run starts, whether it is worth it, and what it makes. Pure decisions."""
