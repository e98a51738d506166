"""What Resource Manager shows of Service Bus, in the documented shape (Queues - Get, Topics - Get, 2024-01-01)."""

import math

import pytest

from shared.adapters.service_bus.shapes import queue_seen, topic_seen
from shared.domain.azure.inspection import QueueSeen, TopicSeen

QUEUE = {
    "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/n/queues/records",
    "name": "records",
    "type": "Microsoft.ServiceBus/Namespaces/Queues",
    "properties": {
        "lockDuration": "PT1M",
        "requiresDuplicateDetection": False,
        "requiresSession": True,
        "defaultMessageTimeToLive": "P14D",
        "deadLetteringOnMessageExpiration": True,
        "maxDeliveryCount": 5,
        "status": "SendDisabled",
        "forwardDeadLetteredMessagesTo": "graveyard",
        "countDetails": {"activeMessageCount": 1, "deadLetterMessageCount": 7},
    },
}


def test_a_queue_is_read_whole():
    assert queue_seen(QUEUE) == QueueSeen(
        name="records",
        active=False,
        sessions=True,
        deliveries=5,
        life_s=14 * 86_400,
        keeps_expired=True,
        sends_on="graveyard",
        dead=7,
    )


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [("PT1H", 3600), ("P1DT2H3M4.5S", 93_784.5), ("P10675199DT2H48M5.4775807S", 922_337_203_685.4776)],
)
def test_how_long_messages_live_is_an_iso_duration(shown: str, seconds: float):
    found = queue_seen({"name": "q", "properties": {"defaultMessageTimeToLive": shown}})

    assert math.isclose(found.life_s, seconds)


def test_what_is_not_shown_is_the_services_default():
    assert queue_seen({"name": "q", "properties": {}}).deliveries == 10


def test_a_topic_has_its_subscriptions():
    raw = {"name": "results", "properties": {"status": "Active", "requiresDuplicateDetection": True}}

    assert topic_seen(raw, [QUEUE]) == TopicSeen(name="results", drops_repeats=True, subscriptions=(queue_seen(QUEUE),))
