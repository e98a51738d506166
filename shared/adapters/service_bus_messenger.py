"""Messages on topics of Azure Service Bus, over AMQP 1.0.

A topic with duplicate detection drops what is sent again under the same message id within its window.
Contract: https://learn.microsoft.com/azure/service-bus-messaging/duplicate-detection.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSender
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusError,
)

from shared.adapters.azure_faults import translated
from shared.domain.failures import Refused
from shared.domain.messaging import Message

_NO_ACCESS = (ServiceBusAuthenticationError, ServiceBusAuthorizationError)
_PERMANENT = (MessageSizeExceededError, MessagingEntityDisabledError, MessagingEntityNotFoundError)


class ServiceBusMessenger:
    """Implements `shared.ports.Messenger`. *connect* makes a client, which one thread uses at a time."""

    def __init__(self, connect: Callable[[], ServiceBusClient]) -> None:
        self._connect, self._lock = connect, threading.Lock()
        self._client: ServiceBusClient | None = None
        self._senders: dict[str, ServiceBusSender] = {}

    def send(self, topic: str, message: Message) -> None:
        made = ServiceBusMessage(
            json.dumps(message.body),
            message_id=message.id,
            subject=message.subject,
            session_id=message.session,
            correlation_id=message.correlation,
            content_type="application/json",
            application_properties={str(name): value for name, value in message.properties.items()},
        )
        with self._lock, _told(topic):
            try:
                self._sender(topic).send_messages(made)
            except Exception:  # The next message gets a connection of its own.
                self._drop()
                raise

    def _sender(self, topic: str) -> ServiceBusSender:
        if topic not in self._senders:
            self._client = self._client or self._connect()
            self._senders[topic] = self._client.get_topic_sender(topic)
        return self._senders[topic]

    def _drop(self) -> None:
        client, self._client, self._senders = self._client, None, {}
        if client is not None:
            client.close()


@contextmanager
def _told(topic: str) -> Iterator[None]:
    what = f"send to topic {topic}"
    with translated(what):
        try:
            yield
        except _NO_ACCESS as error:
            raise Refused(f"{what}: {_first(error)}; give the app's identity Azure Service Bus Data Sender") from error
        except _PERMANENT as error:
            raise Refused(f"{what}: {_first(error)}; look at the topic and at SIGNALBOX_RESULTS_TOPIC") from error


def _first(error: ServiceBusError) -> str:
    return (str(error.message).splitlines() or [type(error).__name__])[0][:300]
