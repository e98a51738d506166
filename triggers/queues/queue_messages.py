"""A message of the hub's queues, as it is handled and kept: what it brings, and the names that its answer needs.

What a message may bring is beside the receivers (`message_files`, `data_checks`, `stream_records`).
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import azure.functions as func

from shared.domain.access.redaction import without_secrets
from shared.domain.events import UnreadableEvent
from shared.domain.messaging import Asker
from shared.validation.requests import BadRequest, requested
from shared.validation.vendor_json import AnyText, ReadBy, SentAs, read_vendor_json
from triggers.http.exchange.bodies import parse_json

# The types under which messages are kept, among events that could not be read.
MESSAGE, RECORDS = "Signalbox.HubMessage", "Signalbox.HubRecords"
MESSAGE_LIMIT = 64 * 1024
_KEPT = 2048  # Of a body that cannot be read.

T = TypeVar("T")


class PoisonMessage(Exception):
    """A message that can never be taken: it is stored with this reason, and must not be settled as done."""


def _name(value: Any) -> str:
    """A kept message may have been written by hand, with a number for its id."""
    return str(value or "")


Id = Annotated[str, ReadBy(_name, "a text")]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """*cut* is set on a kept message that is not whole, since a secret was taken out of it."""

    kind: Annotated[AnyText, SentAs("type")] = ""
    id: Id = ""
    session: Id = ""
    correlation: Id = ""
    sequence: Any = 0  # A whole number from the queue; in a letter, what somebody wrote.
    data: Any = None
    cut: Any = False

    @property
    def letter(self) -> dict[str, Any]:
        """The message as it is kept; only records need their place in the queue."""
        place = {"sequence": self.sequence} if self.kind == RECORDS else {}
        names = {"type": self.kind, "id": self.id, "session": self.session, "correlation": self.correlation}
        return {**names, **place, "data": self.data, **({"cut": True} if self.cut else {})}

    @property
    def asker(self) -> Asker:
        """Who is to be answered. Raises UnreadableEvent."""
        self.refuse_nameless()
        return Asker(message=self.id, session=self.session, correlation=self.correlation)

    def refuse_nameless(self) -> None:
        """Raises UnreadableEvent where nothing tells the message from another, or knows it when it comes again."""
        if not self.id:
            raise UnreadableEvent(
                "the message has no message id; give each message its own, and the same when it is resent"
            )

    def without_secrets(self) -> "QueueMessage":
        """The message as it may be kept."""
        content = without_secrets({"id": self.id, "session": self.session, "correlation": self.correlation})
        return replace(self, **content, data=without_secrets(self.data))

    def brings(self, kind: type[T]) -> T:
        """What the message brings, as a *kind*. Raises UnreadableEvent with everything that is wrong with it."""
        return read_content(kind, self.data)


def queue_message(message: func.ServiceBusMessage, kind: str) -> tuple[QueueMessage, str]:
    """*message* as one of the type *kind*, and what is wrong with its body: an empty text where nothing is."""
    data, problem = content_of(message)
    names = {
        "id": message.message_id or "",
        "session": message.session_id or "",
        "correlation": message.correlation_id or "",
    }
    return QueueMessage(kind=kind, **names, sequence=message.sequence_number or 0, data=data), problem


def kept_message(raw: Any) -> QueueMessage | None:
    """The message that was kept as *raw*; None where *raw* is none."""
    message = read_vendor_json(QueueMessage, raw).value
    return message if message and message.kind in (MESSAGE, RECORDS) else None


def content_of(message: func.ServiceBusMessage) -> tuple[Any, str]:
    """The JSON in the message and an empty text; or the start of its body, and what is wrong with it."""
    body = message.get_body()
    try:
        return parse_json(body, MESSAGE_LIMIT), ""
    except ValueError as error:
        return body[:_KEPT].decode(errors="replace"), str(error)


def read_content(kind: type[T], data: Any) -> T:
    """What a message brings, as a *kind*. Raises UnreadableEvent with everything that is wrong with it."""
    try:
        return requested(kind, data)
    except BadRequest as error:
        raise UnreadableEvent(str(error)[:1000]) from error
