"""The unmodified administration client against the emulator: documented operations, refusals, and messages at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.exceptions import MessagingEntityNotFoundError, ServiceBusError
from azure.servicebus.management import (
    CorrelationRuleFilter,
    ServiceBusAdministrationClient,
    SqlRuleAction,
    SqlRuleFilter,
)

from signalbox.emulators.tokens import Identity
from tests.emulators.documented.page import page
from tests.service_bus.administration_rows import PAGE, ROWS, Administered
from tests.service_bus.conftest import OWNER, Served, connection_string
from tests.service_bus.test_client import Credential

AT_ONCE_S = 10.0


@pytest.fixture(scope="module")
def administration(served: Served) -> Iterator[ServiceBusAdministrationClient]:
    text = connection_string(served.administration_port)
    ca = str(served.authority.ca)
    with ServiceBusAdministrationClient.from_connection_string(text, connection_verify=ca) as client:
        yield client


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[ServiceBusClient]:
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client:
        yield client


def test_every_operation_is_served_or_refused_at_once(administration: ServiceBusAdministrationClient) -> None:
    """One test, because later operations use what earlier ones have made."""
    faults = [f"{row.area} {row.words}: {fault}" for row in ROWS if (fault := _fault(administration, row))]

    assert not faults, "\n".join(faults)


def _fault(client: ServiceBusAdministrationClient, row: Administered) -> str:
    began = time.monotonic()
    try:
        result = row.call(client)
    except HttpResponseError as error:
        is_told = error.status_code == 501 and "The local Service Bus does not serve" in str(error)
        if row.is_served or not is_told or time.monotonic() - began > AT_ONCE_S:
            return f"is answered with {error.status_code}: {error.message}"
        return ""
    return "" if row.is_served and result else f"gave {result!r}"


def test_the_page_has_the_table_of_the_operations() -> None:
    text = PAGE.read_text()

    assert page(text, ROWS) == text, "run make documents"


def test_what_is_made_takes_and_gives_messages_at_once_and_what_is_deleted_does_not(
    administration: ServiceBusAdministrationClient, client: ServiceBusClient
) -> None:
    administration.create_queue("at-once", requires_session=True)
    administration.create_topic("told")
    administration.create_subscription("told", "some")
    administration.create_rule("told", "some", "own", filter=CorrelationRuleFilter(properties={"n": 2, "yes": True}))
    administration.delete_rule("told", "some", "$Default")
    with client.get_queue_sender("at-once") as sender, client.get_topic_sender("told") as topic:
        sender.send_messages(ServiceBusMessage("kept", session_id="a"))
        topic.send_messages(
            [
                ServiceBusMessage(f"{number} {yes}", application_properties={"n": number, "yes": yes})
                for number in (1, 2)
                for yes in (True, 1)
            ]
        )
    with client.get_subscription_receiver("told", "some") as receiver:
        assert [str(message) for message in receiver.peek_messages(5, sequence_number=1)] == ["2 True"]
    assert administration.get_queue_runtime_properties("at-once").active_message_count == 1
    with client.get_queue_receiver("at-once", session_id="a", max_wait_time=5) as receiver:
        (message,) = receiver.receive_messages(1)
        assert administration.get_queue_runtime_properties("at-once").active_message_count == 1, "it is locked"
        receiver.dead_letter_message(message)
        left = administration.get_queue_runtime_properties("at-once")
        assert (left.active_message_count, left.dead_letter_message_count, left.total_message_count) == (0, 1, 1)
        administration.delete_queue("at-once")
        with pytest.raises(ServiceBusError):
            receiver.receive_messages(1)
    with pytest.raises(MessagingEntityNotFoundError), client.get_queue_sender("at-once"):
        pass
    administration.create_queue("at-once")
    with client.get_queue_receiver("at-once") as receiver:
        assert receiver.peek_messages(1, sequence_number=1) == [], "a new queue has none of the old one's messages"
    administration.delete_queue("at-once")
    administration.delete_topic("told")
    with pytest.raises(MessagingEntityNotFoundError), client.get_subscription_receiver("told", "some"):
        pass


def test_pages_end_and_names_have_no_case(administration: ServiceBusAdministrationClient) -> None:
    names = [f"paged/{number:03}" for number in range(205)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(administration.create_queue, names))
    listed = [queue.name for queue in administration.list_queues()]
    assert [name for name in listed if name.startswith("paged/")] == names
    assert administration.get_queue("PAGED/007").status == "Active"
    with pytest.raises(ResourceExistsError):
        administration.create_queue("Paged/007")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(administration.delete_queue, names))
    assert not any(queue.name.startswith("paged/") for queue in administration.list_queues())


Call = Callable[[ServiceBusAdministrationClient], Any]
MISSING: dict[str, Call] = {
    "queue": lambda c: c.get_queue("nowhere"),
    "topic": lambda c: c.get_topic("nowhere"),
    "runtime": lambda c: c.get_queue_runtime_properties("nowhere"),
    "subscription": lambda c: c.get_subscription("news", "nowhere"),
    "subscription's topic": lambda c: c.get_subscription("nowhere", "all"),
    "rule": lambda c: c.get_rule("news", "all", "nowhere"),
    "list": lambda c: list(c.list_subscriptions("nowhere")),
    "rules": lambda c: list(c.list_rules("news", "nowhere")),
    "deletion": lambda c: c.delete_queue("nowhere"),
    "deletion of a rule": lambda c: c.delete_rule("news", "all", "nowhere"),
    "creation below": lambda c: c.create_subscription("nowhere", "s"),
    "a queue's subscription": lambda c: c.create_subscription("orders", "s"),
}
WRONG: dict[str, tuple[Call, int, str]] = {
    "name": (lambda c: c.create_queue("a name"), 400, "can contain only letters"),
    "no name": (lambda c: c.create_queue(""), 400, "no QueueDescription at the address"),
    "end of a name": (lambda c: c.create_queue("wrong-"), 400, "start and end with a letter or number"),
    "length": (lambda c: c.create_queue("a" * 261), 400, "'260' character limit"),
    "length of a subscription": (lambda c: c.create_subscription("news", "a" * 51), 400, "'50' character limit"),
    "lock": (lambda c: c.create_queue("x", lock_duration=timedelta(days=25)), 400, "maximum of '5' minutes"),
    "idle": (lambda c: c.create_queue("x", auto_delete_on_idle="PT4M"), 400, "shorter than '00:05:00'"),
    "deliveries": (lambda c: c.create_queue("x", max_delivery_count=0), 400, "between 1 and 2000"),
    "size": (lambda c: c.create_queue("x", max_size_in_megabytes=1500), 400, "one of 1024"),
    "message size": (lambda c: c.create_queue("x", max_message_size_in_kilobytes=1024), 400, "of this tier"),
    "window": (
        lambda c: c.create_queue("x", duplicate_detection_history_time_window="P8D"),
        400,
        "maximum of '7.00:00:00'",
    ),
    "metadata": (lambda c: c.create_queue("x", user_metadata="a" * 1025), 400, "longer than 1024"),
    "target": (lambda c: c.create_queue("x", forward_to="nowhere"), 400, "no queue and no topic"),
    "no SQL": (
        lambda c: c.create_rule("own", "s", "r", filter=SqlRuleFilter("a =")),
        400,
        "There is a syntax error at the end",
    ),
    "no action": (lambda c: c.create_rule("own", "s", "r", action=SqlRuleAction("DROP a")), 400, "'SET' or 'REMOVE'"),
    "a parameter without value": (
        lambda c: c.create_rule("own", "s", "r", filter=SqlRuleFilter("a = @b")),
        400,
        "'@b' has no value",
    ),
    "empty filter": (
        lambda c: c.create_rule("own", "s", "r", filter=CorrelationRuleFilter()),
        400,
        "at least one property",
    ),
    "sessions": (lambda c: c.update_queue(c.get_queue("own-queue"), requires_session=True), 400, "cannot be changed"),
    "kind": (lambda c: c.create_topic("own-queue"), 409, "Conflict"),
    "given": (lambda c: c.delete_queue("orders"), 409, "belongs to the local cloud's settings"),
    "given update": (lambda c: c.update_queue(c.get_queue("orders")), 409, "belongs to the local cloud's settings"),
    "given rule": (lambda c: c.delete_rule("news", "all", "$Default"), 409, "belongs to the local cloud's settings"),
}


@pytest.fixture(scope="module")
def own(administration: ServiceBusAdministrationClient) -> Iterator[ServiceBusAdministrationClient]:
    administration.create_queue("own-queue")
    administration.create_topic("own")
    administration.create_subscription("own", "s")
    yield administration
    administration.delete_queue("own-queue")
    administration.delete_topic("own")


@pytest.mark.parametrize("call", MISSING.values(), ids=MISSING)
def test_what_is_not_there_is_not_found(own: ServiceBusAdministrationClient, call: Call) -> None:
    with pytest.raises(ResourceNotFoundError):
        call(own)


@pytest.mark.parametrize(("call", "status", "words"), WRONG.values(), ids=WRONG)
def test_what_the_service_refuses_is_refused(
    own: ServiceBusAdministrationClient, call: Call, status: int, words: str
) -> None:
    with pytest.raises(HttpResponseError) as refusal:
        call(own)
    assert refusal.value.status_code == status
    assert words in str(refusal.value) + refusal.value.response.text()  # type: ignore[union-attr]


def test_a_change_needs_what_it_changes(own: ServiceBusAdministrationClient) -> None:
    queue = own.get_queue("own-queue")
    queue.name = "nowhere"
    with pytest.raises(ResourceNotFoundError):
        own.update_queue(queue)


BODIES = {
    "no XML": (b"<entry", 400),
    "no entry": (b"<QueueDescription/>", 400),
    "document type": (b'<!DOCTYPE a [<!ENTITY b "c">]><a/>', 400),
    "two": (b"<Status>Active</Status><Status>Active</Status>", 400),
    "unknown": (b"<Colour>red</Colour>", 400),
    "duration": (b"<LockDuration>5 minutes</LockDuration>", 400),
    "a duration of nothing": (b"<LockDuration>PT</LockDuration>", 400),
    "anonymous": (b"<IsAnonymousAccessible>true</IsAnonymousAccessible>", 501),
    "flag": (b"<RequiresSession>perhaps</RequiresSession>", 400),
    "status": (b"<Status>Gone</Status>", 400),
    "target without its token": (b"<ForwardTo>sb://localhost/secured</ForwardTo>", 401),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
def test_documents_that_no_client_writes_are_refused(served: Served, body: bytes, status: int) -> None:
    if not body.startswith((b"<entry", b"<Queue", b"<!")):
        body = (
            b'<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><QueueDescription xmlns='
            b'"http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">%s</QueueDescription></content>'
            b"</entry>" % body
        )
    answer = asked(served, "PUT", "bodies?api-version=2024-05", body)
    assert answer.status_code == status, answer.text


PLACES = {
    "GET orders?api-version=2016-07": 400,
    "GET orders": 400,
    "GET $Resources/queues?api-version=2024-05&$skip=-1": 400,
    "GET $Resources/queues?api-version=2024-05&$top=all": 400,
    "POST orders/messages?api-version=2024-05": 501,
    "DELETE orders/messages/head?api-version=2024-05": 501,
    "POST orders?api-version=2024-05": 501,
    "DELETE $Resources/queues?api-version=2024-05": 501,
}


@pytest.mark.parametrize(("place", "status"), PLACES.items(), ids=PLACES)
def test_places_that_no_client_asks_for_are_refused(served: Served, place: str, status: int) -> None:
    answer = asked(served, *place.split(" "))
    assert answer.status_code == status, answer.text


def asked(served: Served, method: str, place: str, body: bytes = b"") -> requests.Response:
    """The answer to the namespace's owner."""
    token = served.issuer.issue("https://servicebus.azure.net", identity=Identity(oid=OWNER, client_id="c"))
    return requests.request(
        method,
        f"https://localhost:{served.administration_port}/{place}",
        data=body,
        headers={"Authorization": f"Bearer {token}"},
        verify=str(served.authority.ca),
        timeout=20,
    )


def test_a_token_needs_the_role_and_a_signature_the_key(served: Served) -> None:
    def names(credential: Any) -> list[str]:
        place, ca = f"localhost:{served.administration_port}", str(served.authority.ca)
        with ServiceBusAdministrationClient(place, credential, connection_verify=ca) as client:
            return [queue.name for queue in client.list_queues()]

    audience = "https://servicebus.azure.net"
    owner = Identity(oid=OWNER, client_id="c")
    assert "orders" in names(Credential(served.issuer.issue(audience, identity=owner)))
    for refused in (
        served.issuer.issue(audience),
        served.issuer.issue("https://storage.azure.com", identity=owner),
        served.issuer.issue(audience, identity=owner, now=time.time() - 7200),
        "nonsense",
    ):
        with pytest.raises(ClientAuthenticationError):
            names(Credential(refused))
    forged = connection_string(served.administration_port, "Zm9yZ2Vk")
    with (
        pytest.raises(ClientAuthenticationError),
        ServiceBusAdministrationClient.from_connection_string(
            forged, connection_verify=str(served.authority.ca)
        ) as client,
    ):
        list(client.list_queues())


def test_rules_in_sql_choose_and_change_copies(
    administration: ServiceBusAdministrationClient, client: ServiceBusClient
) -> None:
    """One copy for all rules that change nothing, and one with its name for each that does."""
    administration.create_topic("judged")
    administration.create_subscription("judged", "sql")
    administration.delete_rule("judged", "sql", "$Default")
    rules = {
        "large": ("n > 5", None),
        "all": ("n >= 0", None),
        "named": ("sys.Label = 'a'", "SET n = n + 1; SET sys.Label = 'b'"),
    }
    for name, (condition, change) in rules.items():
        action = SqlRuleAction(change) if change else None
        administration.create_rule("judged", "sql", name, filter=SqlRuleFilter(condition), action=action)
    with client.get_topic_sender("judged") as sender:
        sender.send_messages(
            ServiceBusMessage(
                b"body", subject="a", message_id="m", application_properties={"n": 7}, content_type="text/plain"
            )
        )
        sender.send_messages(ServiceBusMessage(b"other", application_properties={"n": "seven"}))

    with client.get_subscription_receiver("judged", "sql") as receiver:
        copies = [
            (message.subject, dict(message.application_properties or {}), message.message_id, message.content_type)
            for message in receiver.receive_messages(5, max_wait_time=2)
        ]
    with client.get_subscription_receiver("judged", "sql", sub_queue="deadletter", max_wait_time=2) as receiver:
        (letter,) = receiver.receive_messages(5)

    assert copies == [
        ("a", {b"n": 7}, "m", "text/plain"),
        ("b", {b"n": 8, b"RuleName": b"named"}, "m", "text/plain"),
    ]
    assert (str(letter), letter.dead_letter_reason) == ("other", "FilterException")
    assert "is not defined for String and Int64" in (letter.dead_letter_error_description or "")


def test_rules_compare_moments(administration: ServiceBusAdministrationClient, client: ServiceBusClient) -> None:
    day, later = (datetime(2026, 7, number, 12, tzinfo=UTC) for number in (5, 6))
    administration.create_topic("dated")
    for name, rule in {
        "same": CorrelationRuleFilter(properties={"at": day}),
        "before": SqlRuleFilter("at < @day", parameters={"@day": later}),
    }.items():
        administration.create_subscription("dated", name)
        administration.create_rule("dated", name, "own", filter=rule)
        administration.delete_rule("dated", name, "$Default")
    with client.get_topic_sender("dated") as sender:
        for text, moment in (("day", day), ("later", later)):
            sender.send_messages(ServiceBusMessage(text, application_properties={"at": moment}))

    for name in ("same", "before"):
        with client.get_subscription_receiver("dated", name) as receiver:
            assert [str(message) for message in receiver.peek_messages(5)] == ["day"]


def test_a_subscription_that_wants_no_dead_letters_of_failing_rules_has_none(
    administration: ServiceBusAdministrationClient, client: ServiceBusClient
) -> None:
    administration.create_topic("lax")
    administration.create_subscription("lax", "s", dead_lettering_on_filter_evaluation_exceptions=False)
    administration.create_rule("lax", "s", "sql", filter=SqlRuleFilter("n > 5"))
    administration.delete_rule("lax", "s", "$Default")
    with client.get_topic_sender("lax") as sender:
        sender.send_messages(ServiceBusMessage(b"other", application_properties={"n": "seven"}))

    counts = administration.get_subscription_runtime_properties("lax", "s")

    assert (counts.active_message_count, counts.dead_letter_message_count) == (0, 0)


def test_what_was_made_is_there_after_a_restart(tmp_path: Path) -> None:
    from signalbox.emulators.service_bus.administration.catalogue import Catalogue, Kind
    from signalbox.emulators.service_bus.administration.descriptions import QUEUE, SUBSCRIPTION, TOPIC, checked
    from tests.service_bus.test_broker import World

    world = World(tmp_path)
    catalogue = Catalogue(world.broker)
    catalogue.put(Kind.QUEUES, "Made", "Made", checked(QUEUE, {"MaxDeliveryCount": "2"}))
    catalogue.put(Kind.TOPICS, "made-too", "made-too", checked(TOPIC, {}))
    catalogue.put(Kind.SUBSCRIPTIONS, "made-too/subscriptions/s", "s", checked(SUBSCRIPTION, {}))
    catalogue.put(Kind.SUBSCRIPTIONS, "news/subscriptions/more", "more", checked(SUBSCRIPTION, {}))
    catalogue.put(Kind.RULES, "made-too/subscriptions/s/rules/r", "r", {"filter": "TrueFilter"})
    world.send("made", "kept")
    world.broker.database.close()

    world.open()
    Catalogue(world.broker)

    assert world.broker.namespace.entity("made").max_deliveries == 2
    assert world.bodies("made") == ["kept"]
    world.send("made-too", "copied")
    world.send("news", "unheard")
    assert world.bodies("made-too/subscriptions/s") == ["copied"]
    assert world.bodies("news/subscriptions/more") == [], "without rules a subscription accepts nothing"
    world.broker.database.close()
