"""A notice: what one event means for the people who have to do something about it."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from shared.domain import identity

_LONGEST = 200
# Marks that turn the direction of what follows: a name must not rewrite the sentence that it stands in.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class NoticeKind(StrEnum):
    APPROVAL = "approval"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    DELEGATION = "delegation"
    RELEASE = "release"
    ROLLOUT = "rollout"
    FAILURE = "failure"
    ROLLBACK = "rollback"
    TRAFFIC = "traffic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """*thing* is what the event is of, as a word; *about* a model's version, a route or a data set, *page* the page
    below the console's address.

    *roles* are those that an approval waits for and *until* is when it expires. *belongs* are the names of the model,
    route or data set whose it is, and *tell* the addresses that the event itself names. A notice holds names and
    times only: reasons may quote data, and stay on the page.
    """

    event: str
    kind: NoticeKind
    thing: str
    about: str
    page: str
    stage: str = ""
    outcome: str = ""
    roles: tuple[str, ...] = ()
    until: str = ""
    belongs: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    team: str = ""

    def id_for(self, recipient: str) -> str:
        """The same event is the same notice for the same recipient, however often it is announced."""
        return identity.digest("notice", self.event, self.kind, recipient, length=32)


def plain_name(text: str) -> str:
    """*text* as one line without control characters and marks of direction, of a bounded length."""
    spaced = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text[: 4 * _LONGEST])
    kept = "".join(sign for sign in spaced if sign not in _TURNING)
    return " ".join(kept.split())[:_LONGEST]
