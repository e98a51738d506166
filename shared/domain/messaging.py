"""What the Data Hub's systems say and hear over Service Bus; which vendor carries it is not known here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asked for a run by a message, so that its results can be told apart: the message's own three names."""

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
    """What comes by a queue; each is a setting `SIGNALBOX_..._QUEUE`."""

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
