"""What the Data Hub's systems say and hear over Service Bus; which vendor carries it is not known here."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
