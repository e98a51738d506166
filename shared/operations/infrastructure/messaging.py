"""Queues and the topic of Service Bus, each as its door needs it, and the doors that a configuration opens. Pure."""

from dataclasses import dataclass

from shared.domain.configuration import Configuration
from shared.settings import (
    APPROVALS_QUEUE,
    EVENTS_QUEUE,
    HOOKS_QUEUE,
    MESSAGES_QUEUE,
    RECORDS_QUEUE,
    RESULTS_TOPIC,
)

RESULTS, LISTENER = "results", "data-hub"
_DELIVERIES = 5  # A poison message holds its session as often.


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlan:
    """A queue: *setting* names it to the app. *life* is an ISO 8601 duration; messages without one do not expire."""

    name: str
    setting: str
    sessions: bool = False
    life: str = ""
    duplicates_dropped: bool = False

    def row(self) -> dict[str, object]:
        """The queue in the words of its resource; a message that expires is kept unless it held a token."""
        properties: dict[str, object] = {
            "requiresSession": self.sessions,
            "requiresDuplicateDetection": self.duplicates_dropped,
            "maxDeliveryCount": _DELIVERIES,
            "deadLetteringOnMessageExpiration": not self.life,
            "lockDuration": "PT5M",
        }
        if self.life:
            properties["defaultMessageTimeToLive"] = self.life
        return {"name": self.name, "setting": self.setting, "properties": properties}


def queues(configuration: Configuration) -> tuple[QueuePlan, ...]:
    """The queues of the doors that the configuration uses; events have theirs in every profile."""
    plans = [
        QueuePlan(name="hub-messages", setting=MESSAGES_QUEUE, sessions=True),
        # Event Grid cannot deliver to a queue that requires sessions.
        QueuePlan(name="events", setting=EVENTS_QUEUE),
    ]
    if configuration.streams:
        plans.append(QueuePlan(name="hub-records", setting=RECORDS_QUEUE, sessions=True))
    if any(stage.approvals.roles for stage in configuration.ladder.stages):
        # A decision carries its sender's token, which must not outlive its hour.
        plans.append(QueuePlan(name="approvals", setting=APPROVALS_QUEUE, life="PT1H"))
    if configuration.devops.organisations:
        plans.append(QueuePlan(name="devops-hooks", setting=HOOKS_QUEUE))
    return tuple(plans)


def topic() -> dict[str, object]:
    """The topic of results; without a listener nobody would hear them."""
    return {
        "name": RESULTS,
        "setting": RESULTS_TOPIC,
        "properties": {"requiresDuplicateDetection": True, "duplicateDetectionHistoryTimeWindow": "PT10M"},
        "listeners": [LISTENER],
    }
