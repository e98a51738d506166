"""Bodies of every kind, annotations, sequence numbers and sessions, as the client reads them."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageBodyType

from shared.adapters.service_bus.messenger import ServiceBusMessenger
from shared.domain.messaging import Message
from tests.service_bus.conftest import Served


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[ServiceBusClient]:
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client:
        yield client


def received(client: ServiceBusClient, queue: str, count: int) -> list[ServiceBusReceivedMessage]:
    """So many messages of *queue*, completed."""
    messages: list[ServiceBusReceivedMessage] = []
    with client.get_queue_receiver(queue) as receiver:
        while len(messages) < count:
            batch = receiver.receive_messages(count, max_wait_time=10)
            assert batch
            messages += batch
        for message in messages:
            receiver.complete_message(message)
    return messages


def test_a_body_comes_as_the_kind_that_was_sent(client: ServiceBusClient) -> None:
    mapping = {b"key": [-123, b"data", 0, -99], "share": 1.5, "open": True}
    with client.get_queue_sender("kinds") as sender:
        sender.send_messages(AmqpAnnotatedMessage(value_body=mapping))
        sender.send_messages([AmqpAnnotatedMessage(value_body={b"n": n}) for n in (1, 2)])
        sender.send_messages(AmqpAnnotatedMessage(sequence_body=[["a", 1], [2, None]]))
        sender.send_messages(AmqpAnnotatedMessage(data_body=[b"a", b"b"]))

    messages = received(client, "kinds", 5)

    kinds = [message.body_type for message in messages]
    assert kinds == [AmqpMessageBodyType.VALUE] * 3 + [AmqpMessageBodyType.SEQUENCE, AmqpMessageBodyType.DATA]
    values: list[Any] = [message.body for message in messages[:3]]
    assert values == [{b"key": [-123, b"data", 0, -99], b"share": 1.5, b"open": True}, {b"n": 1}, {b"n": 2}]
    assert list(messages[3].body) == [[b"a", 1], [2, None]]
    assert list(messages[4].body) == [b"a", b"b"]


def test_a_delivery_is_annotated_with_its_lock(client: ServiceBusClient) -> None:
    with client.get_queue_sender("kinds") as sender:
        sender.send_messages([ServiceBusMessage("one"), ServiceBusMessage("two")])
    with client.get_queue_receiver("kinds") as receiver:
        (one,) = receiver.receive_messages(1, max_wait_time=10)
        assert one.raw_amqp_message.delivery_annotations == {b"x-opt-lock-token": one.lock_token}
        receiver.defer_message(one)
        (deferred,) = receiver.receive_deferred_messages(one.sequence_number)
        receiver.complete_message(deferred)
        (two,) = receiver.receive_messages(1, max_wait_time=10)
        assert two.raw_amqp_message.delivery_annotations != one.raw_amqp_message.delivery_annotations
        receiver.complete_message(two)


def test_each_entity_counts_its_own_messages(client: ServiceBusClient) -> None:
    for queue in ("counted", "counted-too"):
        with client.get_queue_sender(queue) as sender:
            sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
            later = datetime.now(UTC) + timedelta(minutes=5)
            numbers = sender.schedule_messages([ServiceBusMessage("c"), ServiceBusMessage("d")], later)
            sender.cancel_scheduled_messages(numbers[0])
        with client.get_queue_receiver(queue) as receiver:
            assert (numbers, [message.sequence_number for message in receiver.peek_messages(5)]) == ([3, 4], [1, 2, 4])
            (first,) = receiver.receive_messages(1, max_wait_time=10)
            receiver.dead_letter_message(first)
        with client.get_queue_receiver(queue, sub_queue="deadletter") as receiver:
            assert [message.sequence_number for message in receiver.peek_messages(5)] == [1]


def test_sessions_are_listed_by_their_messages_and_their_state(client: ServiceBusClient) -> None:
    assert list(client.list_queue_sessions("listed")) == []
    before = datetime.now(UTC) - timedelta(minutes=1)
    with client.get_queue_sender("listed") as sender:
        sender.send_messages([ServiceBusMessage("x", session_id=f"{number:03}") for number in range(150)])
    with client.get_queue_receiver("listed", session_id="kept") as receiver:
        receiver.session.set_state("a state")
    with client.get_queue_receiver("listed", session_id="000") as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=10)
        receiver.complete_message(message)

    assert list(client.list_queue_sessions("listed")) == [*(f"{number:03}" for number in range(1, 150)), "kept"]
    assert "kept" in client.list_queue_sessions("listed", state_updated_after=before)
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert list(client.list_queue_sessions("listed", state_updated_after=later)) == []


def test_the_messages_of_an_older_release_keep_their_numbers(tmp_path: Path) -> None:
    from signalbox.emulators.service_bus.schema import open_broker

    old = sqlite3.connect(tmp_path / "bus.db")
    old.executescript(
        "CREATE TABLE messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, state INTEGER NOT NULL,"
        " session TEXT, payload BLOB NOT NULL, enqueued REAL NOT NULL, due REAL, expires REAL,"
        " deliveries INTEGER NOT NULL DEFAULT 0, token TEXT, locked_until REAL, source TEXT, reason TEXT,"
        " description TEXT);"
        "CREATE TABLE sessions (entity TEXT NOT NULL, id TEXT NOT NULL, state BLOB, owner TEXT, locked_until REAL,"
        " PRIMARY KEY (entity, id));"
        "INSERT INTO messages (seq, entity, state, payload, enqueued) VALUES (7, 'orders', 0, x'', 1);"
        "INSERT INTO messages (seq, entity, state, payload, enqueued, source)"
        " VALUES (9, 'orders/$deadletterqueue', 0, x'', 1, 'orders');"
    )
    old.close()

    database = open_broker(tmp_path / "bus.db")

    assert [row["number"] for row in database.execute("SELECT number FROM messages ORDER BY seq")] == [7, 9]
    assert [tuple(row) for row in database.execute("SELECT * FROM counters")] == [("orders", 9)]
    database.close()


def test_ten_threads_may_use_one_receiver_for_requests(client: ServiceBusClient) -> None:
    """The client numbers their transfers without a lock."""
    with client.get_queue_sender("threads") as sender:
        sender.send_messages([ServiceBusMessage(str(number)) for number in range(3)])
    with client.get_queue_receiver("threads") as receiver, ThreadPoolExecutor(10) as pool:
        receiver.peek_messages(1)
        peeks = [pool.submit(receiver.peek_messages, 3, sequence_number=1) for _ in range(10)]
        assert [[str(message) for message in peek.result()] for peek in peeks] == [["0", "1", "2"]] * 10


def test_ten_threads_send_through_one_messenger(client: ServiceBusClient, served: Served) -> None:
    """The client's sender is not made for several threads: it forgets messages and waits for them. The app's is."""
    messenger = ServiceBusMessenger(partial(ServiceBusClient.from_connection_string, served.connection_string))
    messages = [
        Message(id=f"threaded-{number}", session="s", correlation="c", subject="x", body={"n": number})
        for number in range(50)
    ]
    with ThreadPoolExecutor(10) as pool:
        sent = [pool.submit(messenger.send, "threaded", message) for message in messages]
        assert [each.result(60) for each in sent] == [None] * 50
    with client.get_subscription_receiver("threaded", "all") as receiver:
        ids = {message.message_id for message in receiver.peek_messages(100, sequence_number=1)}
    assert ids == {message.id for message in messages}


def test_the_last_delivery_makes_a_dead_letter_which_has_no_limit_of_its_own(client: ServiceBusClient) -> None:
    with client.get_queue_sender("thrice") as sender:
        sender.send_messages(ServiceBusMessage("poison", message_id="p"))
    with client.get_queue_receiver("thrice", max_wait_time=5) as receiver:
        counts = []
        for _ in range(3):
            (message,) = receiver.receive_messages(1)
            counts.append(message.delivery_count)
            receiver.abandon_message(message)
        assert counts == [0, 1, 2]
        assert receiver.peek_messages(1, sequence_number=1) == []
    with client.get_queue_receiver("thrice", sub_queue=ServiceBusSubQueue.DEAD_LETTER, max_wait_time=5) as dead:
        for count in range(5):  # More often than the queue's own limit.
            (letter,) = dead.receive_messages(1)
            assert (letter.dead_letter_reason, letter.delivery_count) == ("MaxDeliveryCountExceeded", count)
            dead.abandon_message(letter)
        assert [str(message) for message in dead.receive_messages(1)] == ["poison"]
