"""The two ways in which work fails, named by what the caller can do about it.

An adapter translates every vendor error into one of them at its edge; nothing else crosses into an activity.
"""


class Refused(Exception):
    """Permanent: trying again cannot help. The message says what was refused, why, and the remedy."""


class Transient(Exception):
    """The same call may succeed later; Durable Functions retries it."""
