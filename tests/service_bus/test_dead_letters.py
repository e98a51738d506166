"""What a queue gave up, seen and taken out by the product's adapter, with the real client against the emulator."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSubQueue

from shared.adapters.service_bus.messenger import ServiceBusMessenger
from shared.adapters.service_bus.queues import ServiceBusQueues
from shared.domain.failures import Refused, Transient
from shared.domain.messaging import QueueDoor
from tests.service_bus.conftest import Served, connection_string

QUEUE, MORTAL, HOOKS = "secured", "mortal", QueueDoor.HOOKS


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[ServiceBusClient]:
    """One for all: the client takes a second to close each link."""
    with ServiceBusClient.from_connection_string(served.connection_string) as client:
        yield client


def queues(text: str, name: str = QUEUE) -> ServiceBusQueues:
    return ServiceBusQueues(partial(ServiceBusClient.from_connection_string, text), {HOOKS: name})


def kill(client: ServiceBusClient, count: int) -> None:
    """So many messages, each given up with its own words."""
    sender, receiver = client.get_queue_sender(QUEUE), client.get_queue_receiver(QUEUE, max_wait_time=5)
    for number in range(count):
        sender.send_messages(ServiceBusMessage(json.dumps({"n": number}), message_id=f"m-{number}"))
        (got,) = receiver.receive_messages(1)
        receiver.dead_letter_message(got, reason="Unreadable", error_description=f"line {number}")


def test_each_is_seen_with_its_reason_and_taken_out_alone(served: Served, client: ServiceBusClient) -> None:
    looked = queues(served.connection_string)
    kill(client, 3)

    first, second, third = looked.dead(HOOKS, 10)
    assert [(each.id, each.reason, each.description, each.body) for each in (first, second, third)] == [
        (f"m-{n}", "Unreadable", f"line {n}", f'{{"n": {n}}}'.encode()) for n in range(3)
    ]
    assert all(each.enqueued_at for each in (first, second, third))
    assert looked.find_dead(HOOKS, second.number) == second

    assert [looked.take_out(HOOKS, second.number) for _ in range(2)] == [True, False]
    assert looked.find_dead(HOOKS, second.number) is None
    receiver = client.get_queue_receiver(QUEUE, sub_queue=ServiceBusSubQueue.DEAD_LETTER, max_wait_time=2)
    kept = [*receiver.receive_messages(1), *receiver.receive_messages(1)]  # None is locked by the looks.
    assert [each.message_id for each in kept] == ["m-0", "m-2"]
    for each in kept:
        receiver.complete_message(each)


def test_what_grew_too_old_is_seen_too(served: Served, client: ServiceBusClient) -> None:
    looked = queues(served.connection_string, MORTAL)
    old = ServiceBusMessage("old", message_id="old", time_to_live=timedelta(milliseconds=50))
    client.get_queue_sender(MORTAL).send_messages(old)

    until = time.monotonic() + 10
    while not (found := looked.dead(HOOKS, 10)):
        assert time.monotonic() < until
    assert [(each.id, each.reason) for each in found] == [("old", "TTLExpiredException")]
    assert looked.take_out(HOOKS, found[0].number)


def test_a_queue_that_cannot_be_looked_at_says_why(served: Served) -> None:
    known = served.connection_string
    with pytest.raises(Refused, match="look at it and at SIGNALBOX_HOOKS_QUEUE"):
        queues(known, "nowhere").dead(HOOKS, 1)
    with pytest.raises(Refused, match="give the app's identity Azure Service Bus Data Receiver"):
        queues(connection_string(served.port, "d3Jvbmc=")).dead(HOOKS, 1)
    with pytest.raises(Transient):
        queues(connection_string(1)).dead(HOOKS, 1)


def test_a_topic_is_reached_without_a_message(served: Served, client: ServiceBusClient) -> None:
    def messenger(text: str) -> Any:
        return ServiceBusMessenger(partial(ServiceBusClient.from_connection_string, text))

    messenger(served.connection_string).reach("unspoken")
    assert client.get_subscription_receiver("unspoken", "all", max_wait_time=1).peek_messages(1) == []
    with pytest.raises(Refused, match="give the app's identity Azure Service Bus Data Sender"):
        messenger(connection_string(served.port, "d3Jvbmc=")).reach("unspoken")
    with pytest.raises(Transient):
        messenger(connection_string(1)).reach("unspoken")
