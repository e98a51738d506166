"""Workflows: deterministic, one screen each. They branch only on what activities have recorded."""
