"""What the app's queues of Azure Service Bus gave up: their dead-letter sub-queues, looked at and emptied by hand.

Nothing is sent: a queue that detects duplicates would drop in silence what comes again under its own message id.
Contract: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver, ServiceBusSubQueue

from shared.adapters.service_bus.faults import bus_faults
from shared.domain.messaging import DeadMessage, QueueDoor

_ROLE = "Azure Service Bus Data Receiver"
_BATCH, _MOST, _PATIENCE_S = 100, 1000, 1.0


class ServiceBusQueues:
    """Implements `shared.ports.Queues`. *names* are the queues by what comes by them; each look makes a client."""

    def __init__(self, connect: Callable[..., ServiceBusClient], names: Mapping[QueueDoor, str]) -> None:
        self._connect, self._names = connect, names

    @property
    def doors(self) -> tuple[QueueDoor, ...]:
        return tuple(self._names)

    def dead(self, door: QueueDoor, limit: int) -> tuple[DeadMessage, ...]:
        with self._open(door, "look at") as receiver:
            return tuple(_read(door, message) for message in _peek(receiver, 0, limit))

    def find_dead(self, door: QueueDoor, number: int) -> DeadMessage | None:
        with self._open(door, "look at") as receiver:
            matches = [message for message in _peek(receiver, number, 1) if message.sequence_number == number]
        return _read(door, matches[0]) if matches else None

    def take_out(self, door: QueueDoor, number: int) -> bool:
        """Service Bus gives messages in order and none by name: those that come before it are held and put back."""
        with self._open(door, "take out of") as receiver:
            other_messages, match = list[ServiceBusReceivedMessage](), None
            try:
                while match is None and len(other_messages) < _MOST:
                    # Receiving by sequence number exists for deferred messages only, and a dead letter is not deferred.
                    batch = receiver.receive_messages(_BATCH, max_wait_time=_PATIENCE_S)
                    match = next((message for message in batch if message.sequence_number == number), match)
                    other_messages += [message for message in batch if message is not match]
                    if not batch:
                        break
                if match is not None:
                    receiver.complete_message(match)
            finally:
                # Abandoning returns them at once; their locks alone would hide them for up to five minutes. It raises
                # their delivery count, which ends nothing here: a dead-letter queue has no limit of deliveries.
                for message in other_messages:
                    receiver.abandon_message(message)
            return match is not None

    @contextmanager
    def _open(self, door: QueueDoor, action: str) -> Iterator[ServiceBusReceiver]:
        name = self._names[door]
        with bus_faults(f"{action} the dead letters of queue {name}", _ROLE, f"SIGNALBOX_{door.value.upper()}_QUEUE"):
            dead = ServiceBusSubQueue.DEAD_LETTER
            with self._connect(retry_total=0) as client, client.get_queue_receiver(name, sub_queue=dead) as receiver:
                yield receiver


def _peek(receiver: ServiceBusReceiver, first: int, limit: int) -> Iterator[ServiceBusReceivedMessage]:
    """In order, from the sequence number *first* on; a peek locks nothing, and gives fewer than it is asked for."""
    while limit > 0 and (batch := receiver.peek_messages(min(limit, _BATCH), sequence_number=first)):
        yield from batch
        limit, first = limit - len(batch), (batch[-1].sequence_number or 0) + 1


def _read(door: QueueDoor, message: ServiceBusReceivedMessage) -> DeadMessage:
    return DeadMessage(
        door=door,
        number=message.sequence_number or 0,
        reason=message.dead_letter_reason or "",
        description=message.dead_letter_error_description or "",
        enqueued_at=message.enqueued_time_utc,
        deliveries=message.delivery_count or 0,
        id=message.message_id or "",
        session=message.session_id or "",
        correlation=message.correlation_id or "",
        body=_body(message),
    )


def _body(message: ServiceBusReceivedMessage) -> bytes:
    """As the Functions host hands it on: what is no data section becomes JSON."""
    content: Any = message.body
    if message.body_type.value == "data":
        return b"".join(content)
    return json.dumps(content if message.body_type.value == "value" else list(content), default=str).encode()
