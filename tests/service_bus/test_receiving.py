"""What receivers get and do: as the client's own live tests expect it of the service."""

import pickle
import warnings
from datetime import timedelta
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.exceptions import ServiceBusError

from tests.service_bus.conftest import Served


@pytest.fixture
def client(served: Served) -> Any:
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client:
        yield client


def send(client: ServiceBusClient, queue: str, *texts: str) -> None:
    with client.get_queue_sender(queue) as sender:
        sender.send_messages([ServiceBusMessage(text) for text in texts])


def drained(
    client: ServiceBusClient, queue: str, wait_s: float = 1.0, **options: Any
) -> list[ServiceBusReceivedMessage]:
    """Everything that is there, completed."""
    with client.get_queue_receiver(queue, max_wait_time=wait_s, **options) as receiver:
        messages = list(receiver)
        for message in messages:
            receiver.complete_message(message)
    return messages


def test_a_message_that_was_looked_at_or_received_is_sent_anew(client: ServiceBusClient) -> None:
    with client.get_queue_sender("sent-anew") as sender, client.get_queue_receiver("sent-anew") as receiver:
        sender.send_messages(ServiceBusMessage("x", subject="s", time_to_live=timedelta(seconds=60)))
        (seen,) = receiver.peek_messages(1)
        sender.send_messages(seen)
        (received,) = receiver.receive_messages(max_wait_time=5)
        receiver.complete_message(received)
        sender.send_messages(pickle.loads(pickle.dumps(received)))

    messages = drained(client, "sent-anew")

    assert [(str(each), each.subject, each.delivery_count, each.sequence_number) for each in messages] == [
        ("x", "s", 0, 2),
        ("x", "s", 0, 3),
    ]
    assert {each.expires_at_utc - each.enqueued_time_utc for each in messages} == {timedelta(seconds=60)}


def test_deferred_messages_come_all_or_none_and_once(client: ServiceBusClient) -> None:
    send(client, "deferring", "a", "b", "c")
    with client.get_queue_receiver("deferring", max_wait_time=1) as receiver:
        numbers = [message.sequence_number for message in receiver if not receiver.defer_message(message)]
        with pytest.raises(ServiceBusError):
            receiver.receive_deferred_messages([*numbers, numbers[-1] + 1])
        first, second = receiver.receive_deferred_messages(numbers[:2])
        receiver.renew_message_lock(first)
        receiver.complete_message(first)
        receiver.dead_letter_message(second, reason="tried", error_description="in vain")
        with pytest.raises(ServiceBusError):
            receiver.receive_deferred_messages(numbers[:2])
    with client.get_queue_receiver("deferring", receive_mode="receiveanddelete") as receiver:
        assert [str(message) for message in receiver.receive_deferred_messages(numbers[2:])] == ["c"]
        with pytest.raises(ServiceBusError):
            receiver.receive_deferred_messages(numbers[2:])

    (letter,) = drained(client, "deferring", sub_queue="deadletter")
    assert (letter.dead_letter_reason, letter.dead_letter_error_description) == ("tried", "in vain")


def test_a_message_is_settled_after_its_link_has_broken(client: ServiceBusClient) -> None:
    send(client, "broken-link", "x")
    with client.get_queue_receiver("broken-link") as receiver:
        (message,) = receiver.receive_messages(max_wait_time=5)
        receiver._handler._link.detach()
        receiver.complete_message(message)

    assert drained(client, "broken-link") == []


def test_everything_that_a_sender_wrote_beside_the_body_arrives(client: ServiceBusClient) -> None:
    message = ServiceBusMessage("x")
    raw = message.raw_amqp_message
    raw.application_properties, raw.annotations, raw.delivery_annotations = {b"a": 1}, {b"b": 2}, {b"c": 3}
    raw.header.priority, raw.footer = 5, {b"d": 6}
    with client.get_queue_sender("beside-the-body") as sender:
        sender.send_messages(message)

    (received,) = drained(client, "beside-the-body")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arrived = received.raw_amqp_message
    assert (arrived.application_properties[b"a"], arrived.annotations[b"b"]) == (1, 2)
    assert (arrived.delivery_annotations[b"c"], arrived.header.priority, arrived.footer[b"d"]) == (3, 5, 6)
