"""Rollouts to production: what is looked at in each step, and what people order meanwhile."""
