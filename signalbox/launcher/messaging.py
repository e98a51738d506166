"""The Service Bus namespace of the local cloud: the entities that the app's triggers and results expect."""

from typing import Any

from signalbox.launcher.client_session import NAMESPACE
from signalbox.launcher.endpoints import RESOURCE_GROUP, SERVICE_BUS_POLICY, SUBSCRIPTION, Endpoints

HUB_QUEUE, RECORDS_QUEUE, APPROVALS_QUEUE, RESULTS_TOPIC = "hub-messages", "hub-records", "approvals", "results"
HOOKS_QUEUE, EVENTS_QUEUE = "devops-hooks", "hub-events"
FOLLOWER = "signalbox-cli"  # The subscription from which the command reads results.
_WINDOW_S = 600.0
_LOCK_S, _TOKEN_LIFE_S = 30.0, 3600
_DELIVERIES = 5  # A poison message holds up its session for as many deliveries.


def namespace_id() -> str:
    """Resource Manager's id of the namespace, on which roles are given."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    return f"{group}/providers/Microsoft.ServiceBus/namespaces/{NAMESPACE}"


def messaging_environment(endpoints: Endpoints) -> dict[str, str]:
    """The app's settings for Service Bus."""
    return {
        "SERVICE_BUS": endpoints.service_bus,
        "SIGNALBOX_RESULTS_TOPIC": RESULTS_TOPIC,
        "SIGNALBOX_MESSAGES_QUEUE": HUB_QUEUE,
        "SIGNALBOX_RECORDS_QUEUE": RECORDS_QUEUE,
        "SIGNALBOX_APPROVALS_QUEUE": APPROVALS_QUEUE,
        "SIGNALBOX_HOOKS_QUEUE": HOOKS_QUEUE,
        "SIGNALBOX_EVENTS_QUEUE": EVENTS_QUEUE,
    }


def namespace_settings(endpoints: Endpoints) -> dict[str, Any]:
    """The emulator's settings; on Azure infrastructure as code makes the same entities."""
    session_settings = {
        "sessions": True,
        "lock_s": _LOCK_S,
        "duplicate_window_s": _WINDOW_S,
        "max_deliveries": _DELIVERIES,
    }
    return {
        "id": namespace_id(),
        "keys": {SERVICE_BUS_POLICY: endpoints.servicebus_key},
        "queues": [
            {"name": HUB_QUEUE, **session_settings},
            {"name": RECORDS_QUEUE, **session_settings},
            {"name": HOOKS_QUEUE, "lock_s": _LOCK_S, "duplicate_window_s": _WINDOW_S},
            {"name": EVENTS_QUEUE, "lock_s": _LOCK_S, "max_deliveries": _DELIVERIES},
            {
                "name": APPROVALS_QUEUE,
                "lock_s": _LOCK_S,
                "duplicate_window_s": _WINDOW_S,
                "time_to_live_s": _TOKEN_LIFE_S,
            },
        ],
        "topics": [{"name": RESULTS_TOPIC, "duplicate_window_s": _WINDOW_S, "subscriptions": [{"name": FOLLOWER}]}],
    }
