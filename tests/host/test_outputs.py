"""What functions send: messages to Service Bus, events to a topic; and blob events on the whole way to a function."""

import asyncio
import base64
import json
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from azure.servicebus import ServiceBusClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.database import open_database
from signalbox.emulators.event_grid.dead_letters import DeadLetters
from signalbox.emulators.event_grid.delivery import Deliverer
from signalbox.emulators.event_grid.store import EventStore
from signalbox.emulators.event_grid.subscriptions import Subscription, read_subscription
from signalbox.emulators.event_grid.topic import TopicDoors
from signalbox.listening import ListeningSite
from tests.conformance.client import Client
from tests.connections import ServerThread, end_serving
from tests.host.process import Process, wait_until
from tests.host.storage_service import storage_service
from tests.service_bus.conftest import Served, served  # noqa: F401 (a fixture)

APP = Path(__file__).parent / "apps" / "outputs"
KEY = "topic-key"


class Topic:
    """A custom topic of the emulated Event Grid behind TLS; what is published or raised goes to *subscriptions*."""

    def __init__(self, state: Path) -> None:
        self.authority, self._state = ensure_authority(state), state
        self.subscriptions: dict[str, Subscription] = {}
        self._thread = ServerThread()
        self._thread.run(self._start())

    async def _start(self) -> None:
        self.store = EventStore(open_database(self._state / "events.db"))
        dead = DeadLetters(self.store.database, self._refuse, 0.01)
        self._deliverer = Deliverer(self.store, self.subscriptions, dead, 0.01)
        app = web.Application()
        TopicDoors(self.store, self._deliverer, self._refuse_token, KEY, dict).add_to(app)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.authority.cert, self.authority.key)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{listener.getsockname()[1]}/api/events"
        await ListeningSite(self._runner, listener, ssl_context=tls).start()
        self._running = asyncio.create_task(self._deliverer.run())

    @staticmethod
    async def _refuse(place: str, content: bytes) -> None:
        raise AssertionError(f"a dead letter {place}: {content!r}")

    @staticmethod
    def _refuse_token(request: web.Request, audiences: Any) -> Any:
        raise web.HTTPUnauthorized

    def raise_event(self, event: dict[str, Any]) -> None:
        async def accept() -> None:
            self._deliverer.accept("hub", event)

        self._thread.run(accept())

    def events(self) -> list[dict[str, Any]]:
        async def read() -> list[dict[str, Any]]:
            return [row["event"] for row in self.store.events("signalbox")]

        events: list[dict[str, Any]] = self._thread.run(read())
        return events

    def close(self) -> None:
        async def stop() -> None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
            await end_serving(self._runner)

        self._thread.run(stop())
        self._thread.close()


@pytest.fixture(scope="module")
def topic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topic]:
    made = Topic(tmp_path_factory.mktemp("topic"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    with storage_service() as connection:
        yield connection


@pytest.fixture(scope="module")
def process(
    tmp_path_factory: pytest.TempPathFactory,
    topic: Topic,
    account: str,
    served: Served,  # noqa: F811
) -> Iterator[Process]:
    settings = {"BUS": served.connection_string, "ORDERS": "orders", "TOPIC": topic.url, "TOPIC_KEY": KEY}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**settings, "ACCOUNT": account, "AzureWebJobsStorage": account}.items():
            patch.setenv(name, value)
        patch.setenv("SSL_CERT_FILE", str(topic.authority.ca))
        process = Process(APP, tmp_path_factory.mktemp("host"), "--auth", "--workers", "1")
        process.start()
    assert process.url, process.log.read_text()
    yield process
    assert process.end(signal.SIGTERM) == 0
    process.close()


@pytest.fixture
def host(process: Process) -> Iterator[Client]:
    client = Client(process.url, json.loads((process.state / "keys.json").read_text())["master"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def bus(served: Served) -> Iterator[ServiceBusClient]:  # noqa: F811
    with ServiceBusClient.from_connection_string(served.connection_string, retry_total=0) as client:
        yield client


def test_messages_reach_a_queue_of_service_bus(host: Client, bus: ServiceBusClient) -> None:
    for batch in (["a", {"b": 1}], ["c"]):
        assert host.call("POST", "/api/bus/orders", {"topic": "news", "messages": batch}).text == "sent"
    with bus.get_queue_receiver("orders") as receiver:
        received = {str(message): message for message in receiver.receive_messages(3, max_wait_time=5)}
        while len(received) < 3:
            received |= {str(message): message for message in receiver.receive_messages(3, max_wait_time=5)}
        for message in received.values():
            receiver.complete_message(message)
    assert set(received) == {"a", '{"b": 1}', "c"}


def test_a_message_reaches_a_topic_named_by_the_request(host: Client, bus: ServiceBusClient) -> None:
    assert host.call("POST", "/api/bus/news", {"topic": "results"}).text == "sent"
    with bus.get_subscription_receiver("results", "all") as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=5)
        receiver.complete_message(message)
    assert (b"".join(message.body), message.content_type) == (b"\x00news", "application/octet-stream")


def test_an_event_reaches_a_topic(host: Client, topic: Topic) -> None:
    assert host.call("POST", "/api/events", {"id": "trained-1"}).text == "published"
    (event,) = [event for event in topic.events() if event["id"] == "trained-1"]
    assert (event["subject"], event["eventType"], event["data"]) == ("models/iris", "Ours.Trained", {"accuracy": 0.9})


def test_an_output_that_cannot_be_sent_fails_the_call(host: Client, process: Process) -> None:
    assert host.call("POST", "/admin/functions/send_nowhere", {"input": ""}, key=host.key).status == 202
    wait_until(lambda: "function=send_nowhere output=$return is not sent" in process.log.read_text())
    assert host.call("POST", "/api/bus/news", {"other": "no topic"}).status == 500


def test_a_blob_that_lands_reaches_its_function_through_event_grid(
    host: Client, topic: Topic, account: str, process: Process
) -> None:
    key = json.loads((process.state / "keys.json").read_text())["blobs_extension"]
    hook = f"{host.url}/runtime/webhooks/blobs?functionName=Host.Functions.landed&code={key}"
    topic.subscriptions["landed"] = read_subscription({"name": "landed", "topic": "hub", "url": hook})
    with BlobServiceClient.from_connection_string(account) as blobs, blobs.get_container_client("landing") as container:
        container.create_container()
        container.upload_blob("rows.csv", b"a,b\n")
        data = {"url": container.get_blob_client("rows.csv").url, "blobType": "BlockBlob", "eTag": "0x1"}
    times = {"eventTime": "2026-01-01T00:00:00Z", "dataVersion": ""}
    named = {"id": "e1", "topic": "t", "subject": "s", "eventType": "Microsoft.Storage.BlobCreated"}
    topic.raise_event({**named, **times, "data": data})
    with QueueClient.from_connection_string(account, "landed") as queue:
        found: list[str] = []

        def look() -> bool:
            with suppress(Exception):  # The queue is made by the first message.
                found.extend(base64.b64decode(message.content).decode() for message in queue.receive_messages())
            return bool(found)

        wait_until(look)
    assert found == ["landing/rows.csv has 4 bytes"]
