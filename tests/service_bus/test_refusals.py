"""What the namespace refuses, as the client's own suite expects it: at once, with the service's condition."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusClient, ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.exceptions import (
    MessageNotFoundError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusError,
)

from tests.service_bus.conftest import Served

LIMIT = 256 * 1024  # Of the Standard tier.


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[ServiceBusClient]:
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client:
        yield client


@pytest.mark.parametrize("wrap", [lambda message: message, lambda message: [message]], ids=["message", "list"])
def test_a_send_without_its_session_is_refused_at_once(client: ServiceBusClient, wrap: Callable[[Any], Any]) -> None:
    with client.get_queue_sender("ordered") as sender, pytest.raises(ServiceBusError, match="amqp:not-allowed"):
        sender.send_messages(wrap(ServiceBusMessage("lost")), timeout=20)


def test_a_batch_is_refused_as_a_whole_and_the_sender_goes_on(client: ServiceBusClient) -> None:
    with client.get_queue_sender("refusing") as sender:
        batch = sender.create_message_batch()
        batch.add_message(ServiceBusMessage("kept", session_id="a"))
        batch.add_message(ServiceBusMessage("without a session"))
        with pytest.raises(ServiceBusError, match="amqp:not-allowed"):
            sender.send_messages(batch, timeout=20)
        sender.send_messages(ServiceBusMessage("alone", session_id="a"), timeout=20)
    with client.get_queue_receiver("refusing", session_id="a") as receiver:
        assert [str(message) for message in receiver.peek_messages(5)] == ["alone"]


def test_what_is_larger_than_the_tier_allows_is_refused(client: ServiceBusClient) -> None:
    with client.get_queue_sender("secured") as sender:
        assert sender.create_message_batch().max_size_in_bytes == LIMIT
        with pytest.raises(MessageSizeExceededError, match="exceeds the limit \\(262144 bytes\\)"):
            sender.send_messages(ServiceBusMessage("A" * LIMIT), timeout=20)
        with pytest.raises(MessageSizeExceededError):
            sender.send_messages([ServiceBusMessage("A" * (LIMIT // 2)) for _ in range(2)])
        with pytest.raises(ServiceBusError, match="message-size-exceeded"):
            sender.schedule_messages(ServiceBusMessage("A" * LIMIT), datetime.now(UTC) + timedelta(minutes=1))


def test_an_entity_that_is_not_there_is_not_found_when_it_is_opened(client: ServiceBusClient) -> None:
    links = (
        client.get_queue_sender("nowhere"),
        client.get_topic_sender("nowhere"),
        client.get_queue_receiver("nowhere"),
        client.get_subscription_receiver("news", "nowhere"),
    )
    for link in links:
        with pytest.raises(MessagingEntityNotFoundError), link:
            pass


@pytest.mark.parametrize(
    ("queue", "session", "message"),
    [
        ("ordered", None, "requires sessions to create a non-sessionful message receiver"),
        ("secured", "a", "cannot be created on an entity that does not require sessions"),
    ],
)
def test_a_receiver_of_the_wrong_session_mode_does_not_open(
    client: ServiceBusClient, queue: str, session: Any, message: str
) -> None:
    with pytest.raises(ServiceBusError, match=message), client.get_queue_receiver(queue, session_id=session):
        pass


def test_the_next_session_times_out_where_none_has_messages(client: ServiceBusClient) -> None:
    waiting = client.get_queue_receiver("idle", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1)
    with pytest.raises(OperationTimeoutError, match="NEXT_AVAILABLE_SESSION"), waiting:
        pass


def test_what_cannot_be_forwarded_has_a_sub_queue_that_stays_empty(client: ServiceBusClient) -> None:
    with client.get_queue_receiver("secured", sub_queue=ServiceBusSubQueue.TRANSFER_DEAD_LETTER) as receiver:
        assert receiver.peek_messages(1) == []
        with pytest.raises(MessageNotFoundError):
            receiver.receive_deferred_messages(12345)
