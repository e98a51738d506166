"""The fields of events in either envelope, Event Grid's and CloudEvents': what every event has, and how it is refused.

What single kinds of events have is beside their readers (`envelopes`, `monitor_events`, `alerts`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

from shared.domain.events import UnreadableEvent
from shared.validation import Fault
from shared.validation.vendor_json import AnyText, FilledText, ReadBy, SentAs, read_vendor_json

T = TypeVar("T")


def moment_of(text: Any) -> datetime | None:
    """What *text* says with an offset, or None: it comes from outside."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _time(value: Any) -> str:
    """The text of a time, with an offset or without, or an empty text."""
    try:
        return value if value and datetime.fromisoformat(value) else ""
    except (TypeError, ValueError) as error:
        raise ValueError("expected a time like 2026-01-31T12:00:00Z") from error


_TYPE, _TIME, _SOURCE = SentAs("eventType", "type"), SentAs("time", "eventTime"), SentAs("topic", "source")
Time: TypeAlias = Annotated[str, _TIME, ReadBy(_time, "a time")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEnvelope:
    """What an event says of itself, as far as it can be read: no field is refused."""

    kind: Annotated[AnyText, _TYPE] = ""
    grid_kind: Annotated[AnyText, SentAs("eventType")] = ""
    cloud_version: Annotated[Any, SentAs("specversion")] = None
    id: AnyText = ""
    time: Annotated[AnyText, _TIME] = ""
    subject: AnyText = ""
    source: Annotated[AnyText, _SOURCE] = ""
    data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifiedEvent:
    """What every event must say of itself."""

    kind: Annotated[FilledText, _TYPE]
    id: FilledText
    time: Time = ""
    subject: AnyText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedEvent(IdentifiedEvent):
    """An event whose source decides what it may cause."""

    source: Annotated[FilledText, _SOURCE]

    @property
    def workspace(self) -> str:
        """The source as the ARM id of a workspace, in lower case."""
        return self.source.rstrip("/").lower()


def envelope_of(raw: Any) -> EventEnvelope:
    """The envelope of *raw*, empty where it is no object."""
    return read_vendor_json(EventEnvelope, _as_sent(raw)).value or EventEnvelope()


def read_sent(kind: type[T], raw: Any, place: str = "event") -> T:
    """*raw* as a *kind*; *place* is what it is called. Raises UnreadableEvent with everything that is wrong with it."""
    reading = read_vendor_json(kind, _as_sent(raw))
    if reading.value is None:
        raise UnreadableEvent("; ".join(_sentence(fault, place) for fault in reading.faults))
    return reading.value


def _as_sent(raw: Any) -> Any:
    """*raw* without `topic` where it is a CloudEvent with a `source`: an extension must not name another sender."""
    names = {str(name).lower() for name in raw} if isinstance(raw, dict) else set()
    if not {"specversion", "source"} <= names:
        return raw
    return {name: value for name, value in raw.items() if str(name).lower() != "topic"}


def _sentence(fault: Fault, place: str) -> str:
    """`data.eTag is missing; expected ...`: an event has one `data`, so that it is named without the event."""
    path = fault.field if fault.field.startswith("data") else f"{place}.{fault.field}".rstrip(".")
    value = "missing" if fault.kind == "missing" else fault.shown
    return f"{path} is {value}; {fault.remedy or f'expected {fault.expected}'}"
