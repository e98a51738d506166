"""Retraining over HTTP: what asks for it, and the runs of training."""
