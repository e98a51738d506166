"""Errors that stop the host with one clear sentence; everything else is a bug and keeps its traceback.

It stands alone: every part of the host imports it, and it imports nothing.
"""


class HostError(Exception):
    """A start-up or usage error whose message names the field, the value and the remedy."""
