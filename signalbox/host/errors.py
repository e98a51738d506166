"""Errors that stop the host with one clear sentence; everything else is a bug and keeps its traceback."""


class HostError(Exception):
    """A start-up or usage error whose message names the field, the value and the remedy."""
