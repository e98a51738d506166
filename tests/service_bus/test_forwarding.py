"""Messages that go on to another entity, entities that are disabled or idle, and letters that nobody may bury again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("proton", reason="the emulator needs Qpid Proton, which is built with a C compiler")

from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.exceptions import MessagingEntityDisabledError, ServiceBusError
from azure.servicebus.management import ServiceBusAdministrationClient

from signalbox.emulators.service_bus.administration.catalogue import Catalogue, Kind
from signalbox.emulators.service_bus.administration.descriptions import QUEUE, SUBSCRIPTION, TOPIC, checked
from signalbox.emulators.service_bus.broker import RefusedError
from signalbox.emulators.service_bus.locks import Outcome
from tests.service_bus.conftest import Served, connection_string
from tests.service_bus.test_broker import World, decoded


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.broker.database.close()


@pytest.fixture
def catalogue(world: World) -> Catalogue:
    return Catalogue(world.broker)


def queue(catalogue: Catalogue, name: str, **values: str) -> None:
    catalogue.put(Kind.QUEUES, name, name, checked(QUEUE, values))


def subscription(catalogue: Catalogue, topic: str, **values: str) -> None:
    path = f"{topic}/subscriptions/s"
    catalogue.put(Kind.TOPICS, topic, topic, checked(TOPIC, {}))
    catalogue.put(Kind.SUBSCRIPTIONS, path, "s", checked(SUBSCRIPTION, values))
    catalogue.put(Kind.RULES, f"{path}/rules/$Default", "$Default", {"filter": "TrueFilter"})


def test_messages_go_on_to_a_queue_and_through_a_topic(world: World, catalogue: Catalogue) -> None:
    queue(catalogue, "end")
    subscription(catalogue, "middle", ForwardTo="end")
    queue(catalogue, "start", ForwardTo="sb://localhost/Middle")
    world.send("start", "one", id="a", subject="x")
    world.broker.tick()
    world.broker.tick()
    (held,) = world.take("end")
    message = decoded(held)
    assert (message.body, message.id, message.subject, held.sequence) == ("one", "a", "x", 1)
    assert [world.broker.counts(path).active for path in ("start", "middle/subscriptions/s")] == [0, 0]


def test_what_waited_before_goes_on_too(world: World, catalogue: Catalogue) -> None:
    queue(catalogue, "end")
    queue(catalogue, "start")
    world.send("start", "one")
    queue(catalogue, "start", ForwardTo="end")
    world.broker.tick()
    assert world.bodies("end") == ["one"]


def test_dead_letters_go_on_with_their_reason_and_source(world: World, catalogue: Catalogue) -> None:
    queue(catalogue, "graveyard")
    queue(catalogue, "start", ForwardDeadLetteredMessagesTo="graveyard", MaxDeliveryCount="1")
    world.send("start", "one")
    (held,) = world.take("start")
    world.locks.settle(held.token, Outcome(verdict="abandon"))
    world.broker.tick()
    (dead,) = world.take("graveyard")
    message = decoded(dead)
    assert message.properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"
    assert message.annotations["x-opt-deadletter-source"] == "start"
    assert message.delivery_count == 0


@pytest.mark.parametrize(
    ("length", "arrives"),
    [(4, True), (5, False)],
    ids=["four hops", "five hops"],
)
def test_a_chain_has_at_most_four_hops(world: World, catalogue: Catalogue, length: int, arrives: bool) -> None:
    queue(catalogue, f"q{length}")
    for number in reversed(range(length)):
        queue(catalogue, f"q{number}", ForwardTo=f"q{number + 1}")
    world.send("q0", "one")
    for _ in range(length + 1):
        world.broker.tick()
    assert world.bodies(f"q{length}") == (["one"] if arrives else [])
    if not arrives:
        (letter,) = world.take("q4/$Transfer/$DeadLetterQueue")
        assert decoded(letter).properties["DeadLetterReason"] == "MaxTransferHopCountExceeded"


def test_what_cannot_go_on_waits_beside_the_entity_that_sent_it(world: World, catalogue: Catalogue) -> None:
    queue(catalogue, "gone")
    queue(catalogue, "closed", Status="SendDisabled")
    for target in ("gone", "closed", "ordered"):
        queue(catalogue, f"to-{target}", ForwardTo=target)
    catalogue.delete("gone")
    for target in ("gone", "closed", "ordered"):
        world.send(f"to-{target}", "one")
    world.broker.tick()
    reasons = [
        decoded(world.take(f"to-{target}/$transfer/$deadletterqueue")[0]).properties["DeadLetterReason"]
        for target in ("gone", "closed", "ordered")
    ]
    assert reasons == ["amqp:not-found", "com.microsoft:entity-disabled", "amqp:not-allowed"]


def test_a_copy_without_a_session_is_a_dead_letter_where_sessions_are_required(
    world: World, catalogue: Catalogue
) -> None:
    subscription(catalogue, "told", RequiresSession="true")
    world.send("told", "without")
    world.send("told", "with", group_id="a")
    assert world.bodies("told/subscriptions/s") == ["with"]
    (letter,) = world.take("told/subscriptions/s/$deadletterqueue")
    assert decoded(letter).properties["DeadLetterReason"] == "Session ID is null"


def test_a_topic_shortens_the_lives_of_its_copies(world: World, catalogue: Catalogue) -> None:
    subscription(catalogue, "brief", DeadLetteringOnMessageExpiration="true")
    catalogue.put(Kind.TOPICS, "brief", "brief", checked(TOPIC, {"DefaultMessageTimeToLive": "PT10S"}))
    world.send("brief", "old", ttl=100)
    world.wait(11)
    (letter,) = world.take("brief/subscriptions/s/$deadletterqueue")
    assert decoded(letter).properties["DeadLetterReason"] == "TTLExpiredException"


def test_a_dead_letter_cannot_be_dead_lettered(world: World) -> None:
    world.send("orders", "one")
    (held,) = world.take("orders")
    world.locks.settle(held.token, Outcome(verdict="dead-letter", reason="r"))
    (letter,) = world.take("orders/$deadletterqueue")
    with pytest.raises(RefusedError, match="cannot be dead-lettered"):
        world.locks.settle(letter.token, Outcome(verdict="dead-letter", reason="again"))
    world.locks.settle(letter.token, Outcome(verdict="complete"))


def test_what_nobody_uses_is_deleted_with_its_messages(world: World, catalogue: Catalogue) -> None:
    queue(catalogue, "idle-queue", AutoDeleteOnIdle="PT5M")
    subscription(catalogue, "kept", AutoDeleteOnIdle="PT5M")
    queue(catalogue, "used", AutoDeleteOnIdle="PT5M")
    world.send("idle-queue", "one")
    for _ in range(3):
        world.wait(120)
        world.take("used")
        world.send("kept", "heard")
    assert catalogue.find("idle-queue") is None
    assert catalogue.find("kept/subscriptions/s") is None, "a message to the topic is no use of the subscription"
    assert catalogue.find("kept") is not None
    assert catalogue.find("used") is not None
    assert world.broker.counts("idle-queue").active == 0


def test_the_client_is_told_of_what_is_disabled_or_forwards(served: Served) -> None:
    text, ca = connection_string(served.administration_port), str(served.authority.ca)
    with (
        ServiceBusAdministrationClient.from_connection_string(text, connection_verify=ca) as administration,
        ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client,
    ):
        made = administration.create_queue("switched")
        administration.create_queue("forwarding", forward_to="switched")
        with client.get_queue_sender("switched") as sender:
            sender.send_messages(ServiceBusMessage("before"))
            made.status = "SendDisabled"
            administration.update_queue(made)
            with pytest.raises(MessagingEntityDisabledError):
                sender.send_messages(ServiceBusMessage("after"))
        with pytest.raises(MessagingEntityDisabledError), client.get_queue_sender("switched"):
            pass
        with client.get_queue_receiver("switched") as receiver:
            assert [str(message) for message in receiver.receive_messages(1, max_wait_time=5)] == ["before"]
        made.status = "ReceiveDisabled"
        administration.update_queue(made)
        with pytest.raises(MessagingEntityDisabledError), client.get_queue_receiver("switched"):
            pass
        with pytest.raises(ServiceBusError, match="auto-forwarding enabled"), client.get_queue_receiver("forwarding"):
            pass
        for part in ("forwarding", "switched"):
            administration.delete_queue(part)


@pytest.mark.parametrize("path", ["news/subscriptions/all", "orders/$deadletterqueue"])
def test_nobody_sends_to_a_part_of_an_entity(served: Served, path: str) -> None:
    with (
        ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client,
        pytest.raises(ServiceBusError, match="takes no messages"),
        client.get_queue_sender(path) as sender,
    ):
        sender.send_messages(ServiceBusMessage("lost"))
