"""The ways in which work fails, named by what the caller can do about it.

An adapter translates every vendor error into one of them at its edge; nothing else crosses into an activity.
It stands alone: everything imports it, and it imports nothing.
"""


class Refused(Exception):
    """A permanent failure: another try cannot help. The message names what was refused, why, and the remedy."""


class CalledOff(Refused):
    """A person has called it off meanwhile: it goes no further, and nothing has failed."""


class Transient(Exception):
    """The same call may succeed later; Durable Functions retries it."""


class PutOff(Transient):
    """The service did nothing, and the next try is in *after_s* seconds, by its own word or by a pause of ours."""

    def __init__(self, reason: str, after_s: float) -> None:
        super().__init__(f"{reason}; the next try is in {after_s:g} s")
        self.after_s = after_s
