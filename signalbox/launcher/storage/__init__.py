"""Azurite, and what an app needs of it."""
