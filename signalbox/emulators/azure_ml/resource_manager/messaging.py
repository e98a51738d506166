"""A Service Bus namespace as Resource Manager shows it, from the settings that the broker is served from.

Shapes: Microsoft.ServiceBus/namespaces, 2024-01-01. It counts no messages.
"""

from collections.abc import Mapping
from typing import Any

PROVIDER = "Microsoft.ServiceBus"
_FOREVER = "P10675199DT2H48M5.4775807S"
_DELIVERIES = 10


def queue(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a queue."""
    return {**_entity(raw), "requiresDuplicateDetection": bool(raw.get("duplicate_window_s"))}


def topic(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": "Active",
        "defaultMessageTimeToLive": _FOREVER,
        "requiresDuplicateDetection": bool(raw.get("duplicate_window_s")),
        "subscriptionCount": len(raw.get("subscriptions", ())),
    }


def subscriptions(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of a topic's subscriptions by their names."""
    return {str(subscription["name"]): _entity(subscription) for subscription in raw.get("subscriptions", ())}


def _entity(raw: Mapping[str, Any]) -> dict[str, Any]:
    life_s = raw.get("time_to_live_s")
    return {
        "status": "Active",
        "lockDuration": f"PT{raw.get('lock_s', 60)}S",
        "maxDeliveryCount": raw.get("max_deliveries", _DELIVERIES),
        "requiresSession": bool(raw.get("sessions")),
        "defaultMessageTimeToLive": _FOREVER if life_s is None else f"PT{life_s}S",
        "deadLetteringOnMessageExpiration": bool(raw.get("dead_letter_expired")),
    }
