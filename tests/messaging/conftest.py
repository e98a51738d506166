"""The product on the real host, receiving from the emulator by the real client; fakes behind its other ports."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceivedMessage,
    ServiceBusSender,
    ServiceBusSubQueue,
)

from shared.adapters.service_bus.messenger import ServiceBusMessenger
from shared.adapters.service_bus.queues import ServiceBusQueues
from shared.domain.inference.streams import Stream
from shared.domain.messaging import QueueDoor
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import FakeClients
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp
from tests.service_bus.conftest import Served, served  # noqa: F401 (a fixture)

BLOBS = "https://datahub.blob.core.windows.net"
MESSAGES, RECORDS, HOOKS, EVENTS = "hub-messages", "hub-records", "devops-hooks", "hub-events"
VISITS = Stream(name="visits", route="each", land="landing/each/{key}/{batch}.csv", records=10, age_s=1)


class Bus:
    """The namespace as the Data Hub's other systems see it."""

    def __init__(self, client: ServiceBusClient) -> None:
        self.client = client
        self._senders: dict[str, ServiceBusSender] = {}

    def send(self, queue: str, body: Any, message_id: str, **more: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body)
        if queue not in self._senders:
            self._senders[queue] = self.client.get_queue_sender(queue)
        self._senders[queue].send_messages(ServiceBusMessage(content, message_id=message_id, **more))

    def waiting(self, queue: str) -> int:
        with self.client.get_queue_receiver(queue) as receiver:
            return len(receiver.peek_messages(10))

    def results(self, count: int, patience: float = 20) -> list[ServiceBusReceivedMessage]:
        with self.client.get_subscription_receiver("results", "all", max_wait_time=patience) as receiver:
            return self._take(receiver, count)

    def dead(self, queue: str, count: int = 1, patience: float = 20) -> list[ServiceBusReceivedMessage]:
        made = self.client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER, max_wait_time=patience)
        with made as receiver:
            return self._take(receiver, count)

    def _take(self, receiver: Any, count: int) -> list[ServiceBusReceivedMessage]:
        found: list[ServiceBusReceivedMessage] = []
        for message in receiver:
            receiver.complete_message(message)
            found.append(message)
            if len(found) == count:
                break
        return found


@pytest.fixture(scope="module")
def bus(served: Served) -> Iterator[Bus]:  # noqa: F811
    with ServiceBusClient.from_connection_string(served.connection_string) as client:
        yield Bus(client)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Served) -> AsyncIterator[InferenceApp]:  # noqa: F811
    monkeypatch.setenv("SERVICE_BUS", served.connection_string)
    monkeypatch.setenv("SIGNALBOX_MESSAGES_QUEUE", MESSAGES)
    monkeypatch.setenv("SIGNALBOX_HOOKS_QUEUE", HOOKS)
    monkeypatch.setenv("SIGNALBOX_EVENTS_QUEUE", EVENTS)
    clock, connect = VirtualClock(), partial(ServiceBusClient.from_connection_string, served.connection_string)
    made = FakeClients(replace(CONFIGURATION, hub=replace(CONFIGURATION.hub, results="results")), clock.now)
    vars(made).update(
        settings=SimpleNamespace(blob_service=BLOBS),
        messenger=ServiceBusMessenger(connect),
        queues=ServiceBusQueues(connect, {QueueDoor.MESSAGES: MESSAGES, QueueDoor.HOOKS: HOOKS}),
    )
    async with hosted(made, clock, tmp_path, monkeypatch) as host:
        yield InferenceApp(host=host, clients=made)
