"""Subscriptions: which events they want, and in which schema they get them."""

from dataclasses import dataclass
from typing import Any

from signalbox.emulators.event_grid.filters import AdvancedFilter, read_filter


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
    schema: str = "EventGridSchema"
    max_attempts: int = 30
    ttl_s: int = 86400
    dead_letter: str = ""

    def wants(self, topic: str, event: dict[str, Any]) -> bool:
        kind = str(event.get("eventType") or event.get("type"))
        return (
            topic == self.topic
            and (not self.event_types or kind in self.event_types)
            and self._wants_subject(str(event.get("subject", "")))
            and all(filter_.admits(event) for filter_ in self.filters)
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


def read_subscription(raw: dict[str, Any]) -> Subscription:
    """Raises ValueError where a filter is wrong, TypeError where a setting is unknown."""
    filters = tuple(read_filter(filter_) for filter_ in raw.get("filters", ()))
    return Subscription(**(raw | {"event_types": tuple(raw.get("event_types", ())), "filters": filters}))


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
