"""Metrics of models, and the comparison of two models on the same rows."""
