"""Without a connection string: the app and its host open the namespace with their managed identity, by TLS and $cbs."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace

import azure.servicebus.aio
import pytest
from aiohttp.test_utils import TestServer
from azure.servicebus import ServiceBusClient, TransportType

from shared.adapters.service_bus import opening
from shared.adapters.service_bus.messenger import ServiceBusMessenger
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.messaging import Message
from signalbox.emulators.identity import Directory, IdentityDoors
from tests.messaging.conftest import Bus
from tests.promotion.conftest import PromotionApp, app  # noqa: F401 (a fixture)
from tests.service_bus.conftest import Served, connection_string, served  # noqa: F401 (a fixture)

SECRET = "only local processes know it"
MESSAGE = Message(id="i-1", subject="s", session="a", correlation="c-1", body={"n": 1})


@pytest.fixture
async def identity(served: Served, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:  # noqa: F811
    """The platform's: the client connects to port 5671 and knows public authorities only, so both are told here."""
    doors = IdentityDoors(served.issuer, Directory(identities={}, persons={}), SECRET)
    where = {
        "custom_endpoint_address": f"https://localhost:{served.tls_port}",
        "connection_verify": str(served.authority.ca),
        "transport_type": TransportType.Amqp,  # With an address of its own the client would use web sockets.
        "retry_total": 0,
    }
    for module in (opening, azure.servicebus.aio):
        monkeypatch.setattr(module, "ServiceBusClient", functools.partial(module.ServiceBusClient, **where))
    async with TestServer(doors.app()) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", str(server.make_url("/msi/token")))
        monkeypatch.setenv("IDENTITY_HEADER", SECRET)
        monkeypatch.delenv("SERVICE_BUS", raising=False)
        monkeypatch.setenv("SERVICE_BUS__fullyQualifiedNamespace", "localhost")
        monkeypatch.setenv("SIGNALBOX_APPROVALS_QUEUE", "approvals")
        yield


def app_clients() -> Clients:
    settings = SimpleNamespace(service_bus="", service_bus_namespace="localhost", identity_client_id="")
    return Clients(settings)  # type: ignore[arg-type]


async def test_results_are_sent_with_the_apps_identity(identity: None, bus: Bus):
    messenger = app_clients().messenger
    for _ in range(2):  # The topic drops the second by its id.
        await asyncio.to_thread(messenger.send, "results", MESSAGE)

    (told,) = await asyncio.to_thread(bus.results, 1)
    assert (told.message_id, told.correlation_id, json.loads(str(told))) == ("i-1", "c-1", {"n": 1})
    assert await asyncio.to_thread(bus.results, 1, 0.3) == []
    await asyncio.to_thread(messenger._drop)  # type: ignore[attr-defined]


def test_whoever_is_refused_is_told_which_role_it_needs(served: Served):  # noqa: F811
    forged = connection_string(served.port, "Zm9yZ2Vk")
    messenger = ServiceBusMessenger(lambda: ServiceBusClient.from_connection_string(forged, retry_total=0))

    with pytest.raises(Refused, match="give the app's identity Azure Service Bus Data Sender"):
        messenger.send("results", MESSAGE)


async def test_a_decision_through_the_real_queue_counts_once_and_a_refused_one_leaves_no_token(
    identity: None,
    app: PromotionApp,  # noqa: F811
    bus: Bus,
):
    app.register("1", error=0.1)
    promotion = await app.promote("churn:1")
    said = {"promotion": promotion, "approved": True, "evidence": await app.evidence(promotion), "reason": "seen"}
    sent = [said | {"role": "data-scientist", "token": token} for token in ("nobody", "ada", "ada")]

    for number, each in enumerate(sent):
        await asyncio.to_thread(bus.send, "approvals", each, f"{promotion}-{number}")
    async with asyncio.timeout(20):
        while await asyncio.to_thread(bus.waiting, "approvals") or "decision approved" not in app.chain():
            await asyncio.sleep(0.02)

    assert app.chain().count("decision approved") == 1
    letters = [json.loads(data) for (where, _), (_, data) in app.hub.blobs.items() if where == "dead-letters"]
    assert ["token" in letter["event"]["data"] for letter in letters] == [False]
    assert await asyncio.to_thread(bus.dead, "approvals", 1, 0.3) == []
