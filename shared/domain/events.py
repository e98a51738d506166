"""Events as the product understands them, after the last vendor field name has been read."""

from dataclasses import dataclass

from shared.domain.arrivals import Arrival
from shared.domain.promotion.models import ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobArrived:
    """A committed write to the Data Hub: created, or renamed into place (then *etag* is not known yet, and empty)."""

    event_id: str
    arrival: Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered:
    """A model version was registered in the workspace with the ARM id *workspace* (lower case)."""

    event_id: str
    workspace: str
    model: ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Irrelevant:
    """A well-formed event that can start nothing, with the reason why."""

    event_id: str
    subject: str
    reason: str


Event = BlobArrived | ModelRegistered | Irrelevant


class UnreadableEvent(ValueError):
    """The event cannot be understood; the message names the field, the value and what was expected."""
