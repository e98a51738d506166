"""Subscriptions: which events they want, and in which schema they get them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """As in the emulator's settings; *topic* is `hub` or `signalbox`, *ttl_s* and *max_attempts* as on Azure."""

    name: str
    topic: str
    url: str
    event_types: tuple[str, ...] = ()
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    schema: str = "EventGridSchema"
    max_attempts: int = 30
    ttl_s: int = 86400

    def wants(self, topic: str, event: dict[str, Any]) -> bool:
        """Filters compare without regard to case, as Azure's do unless told otherwise."""
        kind = str(event.get("eventType") or event.get("type"))
        subject = str(event.get("subject", "")).lower()
        return (
            topic == self.topic
            and (not self.event_types or kind in self.event_types)
            and subject.startswith(self.subject_begins_with.lower())
            and subject.endswith(self.subject_ends_with.lower())
        )

    def envelope(self, event: dict[str, Any]) -> Any:
        """The body to deliver: an array of one in the Event Grid schema, the object itself as a CloudEvent."""
        if self.schema == "EventGridSchema":
            return [event]
        return event if "specversion" in event else _cloud_event(event)


def read_subscription(raw: dict[str, Any]) -> Subscription:
    return Subscription(**(raw | {"event_types": tuple(raw.get("event_types", ()))}))


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
