"""Queues, topics and subscriptions as Resource Manager shows them, read into what the doctor looks at.

Contract: Microsoft.ServiceBus/namespaces, 2024-01-01. What is not shown reads as the service's own default.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.domain.azure.inspection import QueueSeen, TopicSeen

_SPAN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_FOREVER = "P10675199DT2H48M5.4775807S"


def queue_seen(raw: Mapping[str, Any]) -> QueueSeen:
    """The settings of a queue or a subscription."""
    properties = raw["properties"]
    return QueueSeen(
        name=str(raw["name"]),
        active=_is_active(properties),
        sessions=bool(properties.get("requiresSession")),
        deliveries=int(properties.get("maxDeliveryCount") or 10),
        life_s=_seconds(str(properties.get("defaultMessageTimeToLive") or _FOREVER)),
        keeps_expired=bool(properties.get("deadLetteringOnMessageExpiration")),
        sends_on=str(properties.get("forwardDeadLetteredMessagesTo") or ""),
        dead=int((properties.get("countDetails") or {}).get("deadLetterMessageCount") or 0),
    )


def topic_seen(raw: Mapping[str, Any], subscriptions: Iterable[Mapping[str, Any]]) -> TopicSeen:
    properties = raw["properties"]
    return TopicSeen(
        name=str(raw["name"]),
        active=_is_active(properties),
        drops_repeats=bool(properties.get("requiresDuplicateDetection")),
        subscriptions=tuple(queue_seen(subscription) for subscription in subscriptions),
    )


def _is_active(properties: Mapping[str, Any]) -> bool:
    return str(properties.get("status") or "Active") == "Active"


def _seconds(span: str) -> float:
    """An ISO 8601 duration of days and less."""
    parts = _SPAN.fullmatch(span)
    days, hours, minutes, seconds = (float(part or 0) for part in (parts.groups() if parts else (None,) * 4))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
