"""Subscriptions: which events they want, and in which schema they get them.

A definition that the service would refuse is refused when the emulator starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from signalbox.emulators.event_grid.filters import AdvancedFilter, read_filters

_SCHEMAS = ("EventGridSchema", "CloudEventSchemaV1_0")
_MAX_ATTEMPTS, _MAX_TTL_S = 30, 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """As in the emulator's settings; *topic* is `hub`, `signalbox` or an account, *ttl_s* and *max_attempts* as on
    Azure, *dead_letter* is CONTAINER/FOLDER in the hub, or nothing."""

    name: str
    topic: str
    url: str
    event_types: tuple[str, ...] = ()
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    is_subject_case_sensitive: bool = False
    filters: tuple[AdvancedFilter, ...] = ()
    filters_look_into_arrays: bool = False
    schema: str = "EventGridSchema"
    max_attempts: int = _MAX_ATTEMPTS
    ttl_s: int = _MAX_TTL_S
    dead_letter: str = ""

    def wants(self, topic: str, event: dict[str, Any]) -> bool:
        kind = str(event.get("eventType") or event.get("type"))
        return (
            topic == self.topic
            and (not self.event_types or kind in self.event_types)
            and self._wants_subject(str(event.get("subject", "")))
            and all(filter_.admits(event, looks_into_arrays=self.filters_look_into_arrays) for filter_ in self.filters)
        )

    @property
    def event_grid_schema(self) -> bool:
        return self.schema == "EventGridSchema"

    def shaped(self, event: dict[str, Any]) -> dict[str, Any]:
        """*event* in the schema of the subscription."""
        return event if self.event_grid_schema or "specversion" in event else _cloud_event(event)

    def envelope(self, event: dict[str, Any]) -> Any:
        """The body to deliver: an array of one in the Event Grid schema, the object itself as a CloudEvent."""
        document = self.shaped(event)
        return [document] if self.event_grid_schema else document

    def _wants_subject(self, subject: str) -> bool:
        begin, end = self.subject_begins_with, self.subject_ends_with
        if not self.is_subject_case_sensitive:
            subject, begin, end = subject.lower(), begin.lower(), end.lower()
        return subject.startswith(begin) and subject.endswith(end)


def read_subscription(document: Mapping[str, Any]) -> Subscription:
    """Raises ValueError with the first setting that the service would refuse."""
    name = document.get("name")
    unknown = set(document) - {field.name for field in fields(Subscription)}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} of subscription {name!r} is no setting; take it out")
    event_types = document.get("event_types", ())
    if not isinstance(event_types, list | tuple) or not all(isinstance(kind, str) and kind for kind in event_types):
        raise ValueError(f"event_types of subscription {name!r} is {event_types!r}; give a list of event types")
    changes = {
        # `All` is how Resource Manager writes that no type is left out.
        "event_types": () if "All" in event_types else tuple(event_types),
        "filters": read_filters(document.get("filters", ())),
    }
    subscription = Subscription(**{**document, **changes})
    _refuse_wrong_delivery(subscription)
    return subscription


def _refuse_wrong_delivery(subscription: Subscription) -> None:
    owner = f"of subscription {subscription.name!r}"
    if subscription.schema not in _SCHEMAS:
        raise ValueError(f"schema {owner} is {subscription.schema!r}; use one of {', '.join(_SCHEMAS)}")
    for field, limit in (("max_attempts", _MAX_ATTEMPTS), ("ttl_s", _MAX_TTL_S)):
        number = getattr(subscription, field)
        if not isinstance(number, int) or not 1 <= number <= limit:
            raise ValueError(f"{field} {owner} is {number!r}; give a whole number from 1 to {limit}")


def _cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event["id"],
        "source": event.get("topic", ""),
        "type": event["eventType"],
        "subject": event.get("subject", ""),
        "time": event.get("eventTime"),
        "data": event.get("data"),
    }
