"""Port of notices: a service that brings a message to people."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class SendingStanding(StrEnum):
    """What a service knows of a sending."""

    ABSENT = "absent"  # It has never had it.
    UNDER_WAY = "under way"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"  # It cannot say.


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMessage:
    """*reference* is the sending's own name, a GUID; *to* a mail address, or the name of a webhook. *card* is the
    adaptive card for a chat."""

    reference: str
    to: str
    sender: str
    subject: str
    text: str
    html: str
    card: dict[str, Any]


class NoticeChannel(Protocol):
    """SMTP, Azure Communication Services or Teams."""

    @property
    def confirms(self) -> bool:
        """Whether `look` says what became of a sending; otherwise it is always UNKNOWN."""
        ...

    def look(self, reference: str) -> SendingStanding: ...

    def send(self, message: NoticeMessage) -> None:
        """Raises PutOff where nothing was sent and a later try may, Transient where nobody knows, Refused for good."""
        ...

    def reach(self, to: str) -> None:
        """That the service answers and lets us in; nothing is sent. Raises as `send` does."""
        ...
