"""Drift: whether what a model is asked, and what it answers, still looks like what it learned from. Pure decisions."""
