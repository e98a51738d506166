"""Messages between Signalbox and the Data Hub's systems; no vendor's names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The sender of a message that asked for a run, by the message's three names, which its results repeat."""

    message: str
    session: str = ""
    correlation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to a topic; the same *id* is the same message, and is delivered once."""

    id: str
    subject: str
    session: str
    correlation: str
    body: Mapping[str, object]
    properties: Mapping[str, str] = field(default_factory=dict)


class QueueDoor(StrEnum):
    """The kinds of messages that come by a queue; each has a setting `SIGNALBOX_..._QUEUE`."""

    MESSAGES = "messages"
    RECORDS = "records"
    APPROVALS = "approvals"
    HOOKS = "hooks"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMessage:
    """A message that its queue has given up, for *reason*; *number* is its sequence number there."""

    door: QueueDoor
    number: int
    reason: str
    description: str
    enqueued_at: datetime | None
    deliveries: int
    id: str
    session: str
    correlation: str
    body: bytes = field(repr=False)
