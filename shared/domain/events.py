"""Events as the product understands them, after the last vendor field name has been read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.alerts import AlertChanged
from shared.domain.inference.arrivals import Arrival
from shared.domain.messaging import Asker
from shared.domain.promotion.models import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOrigin:
    """What an event's envelope says of where it is from: the *source* that sent it, and its vendor *type*."""

    source: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobArrived:
    """A committed write to the Data Hub: created, or renamed into place (then *etag* is not known yet, and empty).

    *asker* is the sender of the message that named it, who is to be told the result.
    """

    event_id: str
    arrival: Arrival
    asker: Asker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered:
    """A model version was registered in the workspace with the ARM id *workspace* (lower case)."""

    event_id: str
    workspace: str
    model: ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorBreached:
    """A monitor of the workspace *workspace* (lower case) found drift in its own run *run*.

    *names* are what the configuration may know it by. *coefficient* is v1's, None for a model monitor, which has none.
    """

    event_id: str
    workspace: str
    names: tuple[str, ...]
    run: str
    because: str
    coefficient: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Irrelevant:
    """A well-formed event that can start nothing, with the reason why."""

    event_id: str
    subject: str
    reason: str


Event = BlobArrived | ModelRegistered | MonitorBreached | AlertChanged | Irrelevant


class UnreadableEvent(ValueError):
    """The event cannot be understood; the message names the field, the value and what was expected."""
