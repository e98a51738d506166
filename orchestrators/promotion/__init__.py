"""Promotions, and the sets of models that are promoted together."""
