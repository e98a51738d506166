"""Orchestrations: their state, the steps that change it, and replay by the SDK."""
