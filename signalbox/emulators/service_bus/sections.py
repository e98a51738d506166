"""The sections of an AMQP 1.0 message: read what the broker needs to know, keep the rest byte for byte.

Proton's own Message would change what it cannot hold, such as a body of several data sections. It does not tell the
message format either: a batch (0x80013700) is known by its data sections, each of which is a whole message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from proton import Data, DataException, Described, symbol, timestamp, ubyte, uint, ulong

_HEADER, _DELIVERY, _ANNOTATIONS, _PROPERTIES, _APPLICATION, _DATA = 0x70, 0x71, 0x72, 0x73, 0x74, 0x75
_KNOWN = range(0x70, 0x79)
_READ = (_HEADER, _DELIVERY, _ANNOTATIONS, _PROPERTIES, _APPLICATION, _DATA)
_FIELDS = ("message_id", "user_id", "to", "label", "reply_to", "correlation_id", "content_type")
_GROUP, _REPLY_GROUP, _COUNT = 10, 12, 13
_PLACES = {name: place for place, name in enumerate(_FIELDS)} | {
    "session_id": _GROUP,
    "reply_to_session_id": _REPLY_GROUP,
}
_LONGEST_MS = 2**32 - 1  # A header has no room for more; clients say longer times by the moment of expiry.


class MalformedError(ValueError):
    """These bytes are no AMQP message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message as it was sent. *ttl_s* and *due* (a scheduled time) are None where the sender gave none."""

    payload: bytes
    properties: Mapping[str, Any] = field(default_factory=dict)
    application: Mapping[str, Any] = field(default_factory=dict)
    session: str | None = None
    ttl_s: float | None = None
    due: float | None = None

    @property
    def message_id(self) -> str | None:
        message_id = self.properties.get("message_id")
        return None if message_id is None else str(message_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the service adds to a message that it delivers; moments in seconds since 1970."""

    sequence: int
    lock: UUID | None = None
    enqueued_at: float
    deliveries: int
    life: float | None = None  # How long it may live, in seconds: the entity may have made it shorter.
    locked_until: float | None = None
    state: int = 0
    due: float | None = None
    dead_letter_source: str | None = None
    reason: str | None = None
    description: str | None = None


def read_messages(payload: bytes) -> list[Incoming]:
    """The message, or those of a batch. Raises MalformedError."""
    sections = _split_sections(payload)
    bodies: list[bytes] = [value for code, value, _ in sections if code == _DATA]
    try:
        batch = [_single_message(body, _split_sections(body)) for body in bodies]
    except MalformedError:
        batch = []
    return batch or [_single_message(payload, sections)]


def with_marks(payload: bytes, marks: Marks) -> bytes:
    """The message with the service's header fields, annotations and dead-letter properties."""
    sections = _split_sections(payload)
    first = {code: value for code, value, _ in reversed(sections)}
    delivery = dict(first.get(_DELIVERY) or {})
    if marks.lock is not None:
        delivery[symbol("x-opt-lock-token")] = marks.lock
    deliveries = _section(_DELIVERY, delivery) if delivery else b""
    parts = [_header(first.get(_HEADER), marks), deliveries, _annotations(first.get(_ANNOTATIONS), marks)]
    application = dict(first.get(_APPLICATION) or {}) | _dead_letter_properties(marks)
    properties = [raw for code, _, raw in sections if code == _PROPERTIES]
    body = [raw for code, _, raw in sections if code > _APPLICATION]
    application_sections = [_section(_APPLICATION, application)] if application else []
    return b"".join([*parts, *properties, *application_sections, *body])


def with_properties(message: Incoming, system: Mapping[str, Any], application: Mapping[str, Any]) -> Incoming:
    """The message with other properties; *system* has those that `Incoming.properties` has."""
    sections = _split_sections(message.payload)
    first = {code: value for code, value, _ in reversed(sections)}
    fields = [*(first.get(_PROPERTIES) or ()), *[None] * _COUNT][:_COUNT]
    for name, place in _PLACES.items():
        if system.get(name) != message.properties.get(name):
            value = system.get(name)
            fields[place] = symbol(value) if name == "content_type" and value is not None else value
    changed = {_PROPERTIES: fields, _APPLICATION: dict(application)}
    before = [raw for code, _, raw in sections if code < _PROPERTIES]
    behind = [raw for code, _, raw in sections if code > _APPLICATION]
    payload = b"".join([*before, *(_section(code, value) for code, value in changed.items()), *behind])
    return _single_message(payload, _split_sections(payload))


def _split_sections(payload: bytes) -> list[tuple[int, Any, bytes]]:
    """Descriptor, value and bytes of each section. Raises MalformedError."""
    sections, at = [], 0
    while at < len(payload):
        data = Data()
        try:
            length = data.decode(payload[at:])
            code, value = _read_section(data)
        except (DataException, ValueError, UnicodeDecodeError) as error:
            raise MalformedError(str(error)) from error
        if length <= 0:
            raise MalformedError("a part of the message is no AMQP section")
        sections.append((code, value, payload[at : at + length]))
        at += length
    if not sections:
        raise MalformedError("the message is empty")
    return sections


def _read_section(data: Data) -> tuple[int, Any]:
    """Descriptor and value; None for what the broker only carries: Proton reads no map whose keys are bytes.

    Raises MalformedError.
    """
    data.rewind()
    data.next()
    if not data.is_described():
        raise MalformedError("a part of the message is no AMQP section")
    data.enter()
    data.next()
    code = data.get_object()
    if code not in _KNOWN:
        raise MalformedError("a part of the message is no AMQP section")
    data.next()
    return int(code), _own(data.get_object()) if code in _READ else None


def _own(value: Any) -> Any:
    """A copy without views into Proton's memory, which ends with its Data."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {_own(key): _own(item) for key, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value


def _single_message(payload: bytes, sections: list[tuple[int, Any, bytes]]) -> Incoming:
    first = {code: value for code, value, _ in reversed(sections)}
    properties = list(first.get(_PROPERTIES) or ())
    header, annotations = list(first.get(_HEADER) or ()), first.get(_ANNOTATIONS) or {}
    due = annotations.get(symbol("x-opt-scheduled-enqueue-time"))
    ttl = header[2] if len(header) > 2 else None
    session = properties[_GROUP] if len(properties) > _GROUP else None
    fields = dict(zip(_FIELDS, properties, strict=False)) | {"session_id": session}
    if len(properties) > _REPLY_GROUP:
        fields["reply_to_session_id"] = properties[_REPLY_GROUP]
    return Incoming(
        payload=payload,
        properties={name: value for name, value in fields.items() if value is not None},
        application=dict(first.get(_APPLICATION) or {}),
        session=session,
        ttl_s=None if ttl is None else ttl / 1000,
        due=None if due is None else due / 1000,
    )


def _header(header: list[Any] | None, marks: Marks) -> bytes:
    durable, priority, ttl, *_ = [*(header or ()), None, None, None][:3]
    if marks.life is not None:
        ttl = min(round(marks.life * 1000), _LONGEST_MS)
    fields = [
        durable,
        None if priority is None else ubyte(priority),
        None if ttl is None else uint(ttl),
        None,
        uint(marks.deliveries),
    ]
    return _section(_HEADER, fields)


def _annotations(annotations: Mapping[Any, Any] | None, marks: Marks) -> bytes:
    own_annotations: dict[str, Any] = {
        "x-opt-sequence-number": marks.sequence,
        "x-opt-enqueued-time": _moment(marks.enqueued_at),
        "x-opt-message-state": marks.state,
    }
    if marks.locked_until is not None:
        own_annotations["x-opt-locked-until"] = _moment(marks.locked_until)
    if marks.due is not None:
        own_annotations["x-opt-scheduled-enqueue-time"] = _moment(marks.due)
    if marks.dead_letter_source is not None:
        own_annotations["x-opt-deadletter-source"] = marks.dead_letter_source
    return _section(
        _ANNOTATIONS, {**(annotations or {}), **{symbol(name): value for name, value in own_annotations.items()}}
    )


def _dead_letter_properties(marks: Marks) -> dict[str, str]:
    texts = {"DeadLetterReason": marks.reason, "DeadLetterErrorDescription": marks.description}
    return {name: value for name, value in texts.items() if value is not None}


def _moment(seconds: float) -> Any:
    return timestamp(int(seconds * 1000))


def _section(code: int, value: Any) -> bytes:
    data = Data()
    data.put_object(Described(ulong(code), value))
    return bytes(data.encode())
