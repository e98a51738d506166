"""The unmodified azure-servicebus client against the emulator."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.credentials import AccessToken
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusReceiver,
    ServiceBusSubQueue,
    TransportType,
)
from azure.servicebus.exceptions import (
    MessageLockLostError,
    ServiceBusAuthenticationError,
    ServiceBusError,
    SessionCannotBeLockedError,
)

from tests.service_bus.conftest import Served, connection_string


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[ServiceBusClient]:
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as made:
        yield made


def texts(receiver: ServiceBusReceiver, count: int = 10) -> list[str]:
    return [str(message) for message in receiver.receive_messages(count, max_wait_time=2)]


def test_a_message_is_completed_abandoned_renewed_deferred_and_dead_lettered(client: ServiceBusClient) -> None:
    with client.get_queue_sender("orders") as sender:
        sender.send_messages(
            ServiceBusMessage(
                "zero", message_id="zero", correlation_id="c", subject="s", application_properties={"n": 1}
            )
        )
        sender.send_messages([ServiceBusMessage(text, message_id=text) for text in ("one", "two", "three", "one")])
        scheduled = sender.schedule_messages(
            [ServiceBusMessage("soon", message_id="s"), ServiceBusMessage("never", message_id="n")],
            datetime.now(UTC) + timedelta(seconds=2),
        )
        sender.cancel_scheduled_messages(scheduled[1])
    with client.get_queue_receiver("orders") as receiver:
        zero, one, two, three = receiver.receive_messages(10, max_wait_time=2)
        assert (zero.correlation_id, zero.subject, zero.application_properties[b"n"]) == ("c", "s", 1)
        receiver.complete_message(zero)
        before = one.locked_until_utc
        assert receiver.renew_message_lock(one) >= before
        receiver.abandon_message(one)
        receiver.defer_message(two)
        receiver.dead_letter_message(three, reason="poison", error_description="it cannot be read")
        (again,) = receiver.receive_messages(1, max_wait_time=2)
        assert (str(again), again.delivery_count) == ("one", 1)
        receiver.complete_message(again)
        (deferred,) = receiver.receive_deferred_messages(two.sequence_number)
        receiver.complete_message(deferred)
        assert [str(message) for message in receiver.peek_messages(10, sequence_number=1)] == ["soon"]
        assert texts(receiver, 1) == ["soon"]
    with client.get_queue_receiver("orders", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        (dead,) = receiver.receive_messages(5, max_wait_time=2)
        assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("poison", "it cannot be read")
        receiver.complete_message(dead)


def test_sessions_are_named_or_next_and_have_state(client: ServiceBusClient) -> None:
    with client.get_queue_sender("ordered") as sender:
        sender.send_messages([ServiceBusMessage(f"a{n}", session_id="a") for n in range(3)])
    with client.get_queue_receiver("ordered", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=2) as receiver:
        assert receiver.session.session_id == "a"
        assert receiver.session.locked_until_utc > datetime.now(UTC)
        receiver.session.set_state("seen 3")
        assert receiver.session.get_state() == b"seen 3"
        assert receiver.session.renew_lock() > datetime.now(UTC)
        with pytest.raises(SessionCannotBeLockedError):
            client.get_queue_receiver("ordered", session_id="a").receive_messages(1, max_wait_time=2)
        for message in receiver.receive_messages(3, max_wait_time=2):
            receiver.complete_message(message)


def test_a_subscription_gets_its_copy_and_may_remove_at_once(client: ServiceBusClient) -> None:
    with client.get_topic_sender("news") as sender:
        sender.send_messages(
            ServiceBusMessage("bad", subject="run", message_id="1", application_properties={"outcome": "failed"})
        )
    mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    with client.get_subscription_receiver("news", "failures", receive_mode=mode) as receiver:
        assert texts(receiver, 1) == ["bad"]
        assert receiver.peek_messages(5, sequence_number=1) == []


def test_another_key_opens_nothing(served: Served) -> None:
    forged = connection_string(served.port, "Zm9yZ2Vk")
    with (
        pytest.raises(ServiceBusAuthenticationError),
        ServiceBusClient.from_connection_string(forged, retry_total=0) as client,
        client.get_queue_sender("secured") as sender,
    ):
        sender.send_messages(ServiceBusMessage("stolen"))


class Credential:
    """Hands out one token, as azure-identity would."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)

    def get_token_info(self, *scopes: str, **options: object) -> AccessToken:
        return self.get_token()


@pytest.fixture
def secure(served: Served) -> Callable[[str], ServiceBusClient]:
    def made(token: str) -> ServiceBusClient:
        return ServiceBusClient(
            "localhost",
            Credential(token),  # type: ignore[arg-type]
            custom_endpoint_address=f"https://localhost:{served.tls_port}",
            transport_type=TransportType.Amqp,
            connection_verify=str(served.authority.ca),
            retry_total=0,
        )

    return made


def test_a_token_of_the_tenant_opens_over_tls_and_a_message_is_settled_once(
    served: Served, secure: Callable[[str], ServiceBusClient]
) -> None:
    token = served.issuer.issue("https://servicebus.azure.net")
    with secure(token) as client, client.get_queue_sender("secured") as sender:
        sender.send_messages(ServiceBusMessage("by token"))
        with client.get_queue_receiver("secured") as receiver:
            (message,) = receiver.receive_messages(1, max_wait_time=2)
            receiver.complete_message(message)
            message._settled = False  # The client forgets; the service does not.
            with pytest.raises(MessageLockLostError):
                receiver.complete_message(message)
    assert str(message) == "by token"


@pytest.mark.parametrize("audience", ["https://storage.azure.com", "expired"])
def test_other_tokens_open_nothing(served: Served, secure: Callable[[str], ServiceBusClient], audience: str) -> None:
    expired = served.issuer.issue("https://servicebus.azure.net", now=time.time() - 7200)
    token = expired if audience == "expired" else served.issuer.issue(audience)
    with pytest.raises(ServiceBusError), secure(token) as client, client.get_queue_sender("secured") as sender:
        sender.send_messages(ServiceBusMessage("stolen"))
