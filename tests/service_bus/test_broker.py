"""What the namespace does with messages as time passes, without a network: as documented."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("proton", reason="the emulator needs Qpid Proton, which is built with a C compiler")

from proton import Message

from signalbox.emulators.service_bus.broker import Broker, RefusedError
from signalbox.emulators.service_bus.entities import Namespace
from signalbox.emulators.service_bus.locks import Locks, Outcome
from signalbox.emulators.service_bus.schema import Held, open_broker
from signalbox.emulators.service_bus.sections import MalformedError, read_messages
from signalbox.emulators.service_bus.sessions import Sessions
from tests.service_bus.conftest import SETTINGS

ABANDON, COMPLETE = Outcome(verdict="abandon"), Outcome(verdict="complete")


class World:
    def __init__(self, folder: Path) -> None:
        self.now = 1_000_000.0
        self.folder = folder
        self.open()

    def open(self) -> None:
        namespace = Namespace(SETTINGS["queues"], SETTINGS["topics"])
        self.broker = Broker(open_broker(self.folder / "bus.db"), namespace, lambda: self.now)
        self.locks, self.sessions = Locks(self.broker), Sessions(self.broker)

    def send(self, path: str, body: str, **fields: Any) -> int:
        return self.broker.send(path, read_messages(Message(body=body, **fields).encode()))[0]

    def take(self, path: str, count: int = 10, session: str | None = None) -> list[Held]:
        return self.locks.take(path, count, session)

    def bodies(self, path: str) -> list[str]:
        return [decoded(held).body for held in self.broker.peek(path, 1, 100)]

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.broker.tick()


def decoded(held: Held) -> Message:
    message = Message()
    message.decode(held.payload)
    return message


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.broker.database.close()


def test_a_lock_that_runs_out_counts_a_delivery_and_the_last_one_dead_letters(world: World) -> None:
    world.send("orders", "one")
    for tries in range(3):
        assert [decoded(held).delivery_count for held in world.take("orders")] == [tries]
        world.wait(61)

    assert world.take("orders") == []
    (dead,) = world.take("orders/$DeadLetterQueue")
    assert decoded(dead).properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"
    assert "x-opt-deadletter-source" not in decoded(dead).annotations, "it is where it died"


def test_a_settlement_after_the_lock_ran_out_is_refused(world: World) -> None:
    world.send("orders", "one")
    (held,) = world.take("orders")
    world.now += 61
    with pytest.raises(RefusedError, match="lock"):
        world.locks.settle(held.token, COMPLETE)
    world.broker.tick()
    (again,) = world.take("orders")
    world.locks.settle(again.token, COMPLETE)
    assert world.bodies("orders") == []


def test_renewal_keeps_a_lock(world: World) -> None:
    world.send("orders", "one")
    (held,) = world.take("orders")
    for _ in range(3):
        world.now += 50
        assert world.locks.renew([held.token]) == [world.now + 60]
        world.broker.tick()
    assert world.take("orders") == []


def test_release_counts_no_delivery(world: World) -> None:
    world.send("orders", "one")
    (held,) = world.take("orders")
    world.locks.settle(held.token, Outcome(verdict="release"))
    assert [decoded(again).delivery_count for again in world.take("orders")] == [0]


def test_the_same_message_id_within_the_window_is_dropped(world: World) -> None:
    world.send("orders", "one", id="a")
    world.send("orders", "again", id="a")
    world.send("orders", "two", id="b")
    assert world.bodies("orders") == ["one", "two"]
    world.wait(61)
    world.send("orders", "later", id="a")
    assert world.bodies("orders") == ["one", "two", "later"]


def test_expiry_dead_letters_where_the_entity_says_so_and_drops_elsewhere(world: World) -> None:
    world.send("mortal", "old")
    world.send("orders", "short", ttl=5)
    world.wait(31)
    assert (world.bodies("mortal"), world.bodies("orders")) == ([], [])
    (dead,) = world.take("mortal/$DeadLetterQueue")
    assert decoded(dead).properties["DeadLetterReason"] == "TTLExpiredException"


def test_the_shorter_of_two_lives_counts(world: World) -> None:
    world.send("mortal", "long", ttl=3600)
    assert [decoded(held).ttl for held in world.broker.peek("mortal", 1, 1)] == [30], "and its receiver is told"
    world.wait(31)
    assert world.bodies("mortal") == []


def test_scheduled_messages_come_in_their_time_or_are_cancelled(world: World) -> None:
    due = {"x-opt-scheduled-enqueue-time": int((world.now + 100) * 1000)}
    from proton import timestamp

    due = {key: timestamp(value) for key, value in due.items()}
    kept = world.send("orders", "kept", annotations=due)
    gone = world.send("orders", "gone", annotations=due)
    world.broker.cancel("orders", [gone])
    assert world.take("orders") == []
    world.wait(101)
    assert [held.sequence for held in world.take("orders")] == [kept]
    with pytest.raises(RefusedError):
        world.broker.cancel("orders", [kept])


def test_a_topic_copies_to_each_subscription_whose_rule_accepts(world: World) -> None:
    world.send("news", "good", subject="run", properties={"outcome": "completed"})
    world.send("news", "bad", subject="run", properties={"outcome": "failed"})
    world.send("news", "other", subject="job", properties={"outcome": "failed"})
    assert world.bodies("news/subscriptions/all") == ["good", "bad", "other"]
    assert world.bodies("NEWS/Subscriptions/Failures") == ["bad"]


def test_sessions_go_to_one_receiver_in_order(world: World) -> None:
    for body in ("a1", "b1", "a2"):
        world.send("ordered", body, group_id=body[0])
    assert world.sessions.accept("ordered", None, "first")[0] == "a"
    assert world.sessions.accept("ordered", None, "second")[0] == "b"
    assert world.sessions.accept("ordered", None, "third") is None
    with pytest.raises(RefusedError, match="locked"):
        world.sessions.accept("ordered", "a", "third")
    assert [decoded(held).body for held in world.take("ordered", session="a")] == ["a1", "a2"]


def test_an_abandoned_message_comes_before_its_followers(world: World) -> None:
    for body in ("a1", "a2"):
        world.send("ordered", body, group_id="a")
    world.sessions.accept("ordered", "a", "me")
    (held,) = world.take("ordered", 1, "a")
    world.locks.settle(held.token, ABANDON)
    assert [decoded(each).body for each in world.take("ordered", 1, "a")] == ["a1"]


def test_a_session_whose_lock_runs_out_counts_deliveries_and_one_that_closes_does_not(world: World) -> None:
    world.send("ordered", "a1", group_id="a")
    world.sessions.accept("ordered", "a", "me")
    world.take("ordered", 1, "a")
    world.sessions.release("ordered", "a", "me")
    world.sessions.accept("ordered", "a", "me")
    assert [decoded(held).delivery_count for held in world.take("ordered", 1, "a")] == [0]
    world.wait(61)
    world.sessions.accept("ordered", "a", "me")
    assert [decoded(held).delivery_count for held in world.take("ordered", 1, "a")] == [1]


def test_a_queue_with_sessions_refuses_a_message_without_one(world: World) -> None:
    with pytest.raises(RefusedError, match="session"):
        world.send("ordered", "lost")
    assert world.bodies("ordered") == []


def test_one_bad_message_refuses_the_whole_batch(world: World) -> None:
    messages = [*read_messages(Message(body="a", group_id="a").encode()), *read_messages(Message(body="b").encode())]
    with pytest.raises(RefusedError):
        world.broker.send("ordered", messages)
    assert world.bodies("ordered") == []


@pytest.mark.parametrize("noise", [b"", b"\x00", b"hello", b"\x00Sw", b"\x00S\x99@", b"\x00Su\xa0\xff"])
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(MalformedError):
        read_messages(noise)


def test_locks_and_messages_are_on_disk(world: World) -> None:
    world.send("orders", "one")
    world.send("orders", "two")
    (first,) = world.take("orders", 1)
    world.broker.database.close()
    world.open()
    assert [decoded(held).body for held in world.take("orders")] == ["two"]
    world.locks.settle(first.token, COMPLETE)
    assert world.bodies("orders") == ["two"]
