"""Callers, their permissions, and the secrets that no output may contain."""
