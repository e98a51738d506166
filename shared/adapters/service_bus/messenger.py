"""Messages on topics of Azure Service Bus, over AMQP 1.0.

A topic with duplicate detection drops what is sent again under the same message id within its window.
Contract: https://learn.microsoft.com/azure/service-bus-messaging/duplicate-detection.
"""

import json
import threading
from collections.abc import Callable

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSender

from shared.adapters.service_bus.faults import bus_faults
from shared.domain.messaging import Message

_ROLE, _SETTING = "Azure Service Bus Data Sender", "SIGNALBOX_RESULTS_TOPIC"


class ServiceBusMessenger:
    """Implements `shared.ports.Messenger`. *connect* makes a client, which one thread uses at a time."""

    def __init__(self, connect: Callable[..., ServiceBusClient]) -> None:
        self._connect, self._lock = connect, threading.Lock()
        self._client: ServiceBusClient | None = None
        self._senders: dict[str, ServiceBusSender] = {}

    def send(self, topic: str, message: Message) -> None:
        bus_message = ServiceBusMessage(
            json.dumps(message.body),
            message_id=message.id,
            subject=message.subject,
            session_id=message.session,
            correlation_id=message.correlation,
            content_type="application/json",
            application_properties={str(name): value for name, value in message.properties.items()},
        )
        with self._lock, bus_faults(f"send to topic {topic}", _ROLE, _SETTING):
            try:
                self._sender(topic).send_messages(bus_message)
            except Exception:  # The next message gets a connection of its own.
                self._drop()
                raise

    def reach(self, topic: str) -> None:
        """Open a connection of its own: sending must not wait for this look, nor this look for a sender that hangs."""
        reaching = bus_faults(f"reach topic {topic}", _ROLE, _SETTING)
        with reaching, self._connect(retry_total=0) as client, client.get_topic_sender(topic) as sender:
            sender.create_message_batch()  # The largest size is asked of the topic, so its link is opened.

    def _sender(self, topic: str) -> ServiceBusSender:
        if topic not in self._senders:
            self._client = self._client or self._connect()
            self._senders[topic] = self._client.get_topic_sender(topic)
        return self._senders[topic]

    def _drop(self) -> None:
        client, self._client, self._senders = self._client, None, {}
        if client is not None:
            client.close()
