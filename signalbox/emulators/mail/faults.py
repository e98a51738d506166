"""What goes wrong next, as tests order it: a refusal, a throttle, or an answer that is lost after the effect.

It stands alone, since the mail server and the two services over HTTP fail alike.
"""

from collections import deque
from enum import StrEnum


class MailFault(StrEnum):
    REFUSE = "refuse"  # For good.
    THROTTLE = "throttle"
    LOSE_ANSWER = "lose answer"  # It is taken, and its sender does not hear so.
    FAIL_LATER = "fail later"  # It is accepted, and then cannot be sent.


class MailFaults:
    """In memory only: a restart ends them."""

    def __init__(self) -> None:
        self._next = deque[MailFault]()

    def order(self, *faults: MailFault) -> None:
        """What goes wrong next, in the place of what was ordered before."""
        self._next = deque(faults)

    def take(self) -> MailFault | None:
        return self._next.popleft() if self._next else None
