"""Deliveries to a real webhook: what is retried, what dies at once, and what is told of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from signalbox.emulators.database import open_database
from signalbox.emulators.event_grid.dead_letters import DeadLetters
from signalbox.emulators.event_grid.delivery import Deliverer
from signalbox.emulators.event_grid.store import EventStore
from signalbox.emulators.event_grid.subscriptions import read_subscription
from tests.emulators.services import control, eventually, read_settings, running, storage

FAST = 0.0005
EVENT = {
    "id": "e1",
    "topic": "/t",
    "subject": "/s",
    "eventType": "T",
    "eventTime": "2026-01-01T00:00:00Z",
    "data": {},
    "dataVersion": "1",
}


class Webhook:
    """Answers with *statuses* in turn, the last one for ever; keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        self._statuses, self.got = list(statuses), list[Any]()

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return web.Response(headers={"WebHook-Allowed-Origin": "*"})
        body = await request.json()
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            return web.json_response({"validationResponse": body[0]["data"]["validationCode"]})
        self.got.append(body)
        return web.Response(status=self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0])


class Container:
    """The dead-letter container: refuses its first *refusals* writes."""

    def __init__(self, refusals: int = 0) -> None:
        self.blobs, self._refusals = dict[str, Any](), refusals

    async def create(self, place: str, content: bytes) -> None:
        if self._refusals:
            self._refusals -= 1
            raise aiohttp.ClientConnectionError("away")
        assert place not in self.blobs
        self.blobs[place] = json.loads(content)


@asynccontextmanager
async def grid(folder: Path, hook: Webhook, container: Container, **changes: Any) -> AsyncIterator[Deliverer]:
    app = web.Application()
    app.router.add_route("*", "/hook", hook.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    raw = {"name": "Sub", "topic": "t", "url": f"http://127.0.0.1:{port}/hook", "dead_letter": "dead/grid/"} | changes
    store = EventStore(open_database(folder / "events.db"))
    dead = DeadLetters(store.database, container.create, FAST)
    deliverer = Deliverer(store, {"Sub": read_subscription(raw)}, dead, FAST)
    loops = [asyncio.create_task(deliverer.run()), asyncio.create_task(dead.run())]
    yield deliverer
    for loop in loops:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
    await runner.cleanup()
    store.database.close()


async def until(look: Callable[[], Any]) -> Any:
    async with asyncio.timeout(20):
        while not (seen := look()):
            await asyncio.sleep(0.005)
    return seen


async def test_what_fails_for_a_moment_is_delivered_again(tmp_path: Path) -> None:
    hook, container = Webhook(503, 500, 404, 200), Container()
    async with grid(tmp_path, hook, container) as deliverer:
        deliverer.accept("t", EVENT)
        await until(lambda: len(hook.got) == 4)

    assert hook.got == [[EVENT]] * 4
    assert container.blobs == {}


@pytest.mark.parametrize(
    ("status", "reason", "outcome"),
    [
        (400, "UndeliverableDueToHttpBadRequest", "BadRequest"),
        (401, "UndeliverableDueToHttpUnauthorized", "Unauthorized"),
        (403, "UndeliverableDueToHttpForbidden", "Forbidden"),
        (413, "UndeliverableDueToHttpRequestEntityTooLarge", "PayloadTooLarge"),
    ],
)
async def test_a_status_that_is_never_retried_makes_a_dead_letter_at_once(
    tmp_path: Path, status: int, reason: str, outcome: str
) -> None:
    hook, container = Webhook(status), Container(refusals=2)
    async with grid(tmp_path, hook, container) as deliverer:
        deliverer.accept("t", EVENT)
        await until(lambda: container.blobs)

    ((place, (letter,)),) = container.blobs.items()
    assert place.startswith("dead/grid/SUB/20")
    assert letter.items() >= EVENT.items()
    assert (letter["deadLetterReason"], letter["lastDeliveryOutcome"], letter["deliveryAttempts"]) == (
        reason,
        outcome,
        1,
    )
    assert letter["publishTime"] <= letter["lastDeliveryAttemptTime"]
    assert len(hook.got) == 1


async def test_attempts_run_out_and_a_repeated_event_is_one_dead_letter(tmp_path: Path) -> None:
    hook, container = Webhook(503), Container()
    async with grid(tmp_path, hook, container, max_attempts=3) as deliverer:
        deliverer.accept("t", EVENT)
        deliverer.accept("t", EVENT)
        deliverer.accept("t", EVENT | {"id": "e2"})
        await until(lambda: len(hook.got) == 9)
        await until(lambda: len(container.blobs) == 2)

    letters = [letter for (letter,) in container.blobs.values()]
    assert {letter["id"] for letter in letters} == {"e1", "e2"}
    assert {(letter["deadLetterReason"], letter["deliveryAttempts"]) for letter in letters} == {
        ("MaxDeliveryAttemptsExceeded", 3)
    }


async def test_an_event_that_is_too_old_at_its_next_attempt_is_dead(tmp_path: Path) -> None:
    hook, container = Webhook(503), Container()
    async with grid(tmp_path, hook, container, ttl_s=5) as deliverer:
        deliverer.accept("t", EVENT)
        await until(lambda: container.blobs)

    ((letter,),) = container.blobs.values()
    assert (letter["deadLetterReason"], letter["lastDeliveryOutcome"]) == ("TimeToLiveExceeded", "Busy")
    assert len(hook.got) == 1


async def test_a_dead_cloud_event_names_its_fields_in_lower_case(tmp_path: Path) -> None:
    hook, container = Webhook(400), Container()
    async with grid(tmp_path, hook, container, schema="CloudEventSchemaV1_0") as deliverer:
        deliverer.accept("t", EVENT)
        await until(lambda: container.blobs)

    ((letter,),) = container.blobs.values()
    assert (letter["specversion"], letter["type"]) == ("1.0", "T")
    assert {"deadletterreason", "deliveryattempts", "lastdeliveryoutcome", "publishtime"} <= letter.keys()


async def test_without_a_container_what_cannot_be_delivered_is_dropped(tmp_path: Path) -> None:
    hook, container = Webhook(400), Container()
    async with grid(tmp_path, hook, container, dead_letter="") as deliverer:
        deliverer.accept("t", EVENT)
        deliverer.accept("t", EVENT | {"id": "e2"})
        await until(lambda: len(hook.got) == 2)

    assert container.blobs == {}


@pytest.mark.xdist_group("storage-emulator")
def test_a_dead_letter_lies_in_the_hub_once_even_when_the_emulators_are_killed(tmp_path: Path) -> None:
    with running(tmp_path) as cloud, storage(cloud.endpoints) as hub:
        cloud.kill_emulators()
        subscription, *_ = read_settings(cloud.endpoints)["subscriptions"]
        assert subscription["dead_letter"] == "dead-letters/event-grid"
        cloud.changes = {"time_scale": FAST, "subscriptions": [subscription | {"max_attempts": 2}]}
        cloud.start_emulators()
        hub.get_blob_client("landing", "lost.csv").upload_blob(b"1")
        cloud.kill_emulators()
        cloud.start_emulators()
        letters = hub.get_container_client("dead-letters")
        names = eventually(lambda: list(letters.list_blob_names()))
        assert not control(cloud.endpoints, "/_dead_letters")[1:]
        (letter,) = json.loads(letters.download_blob(names[0]).readall())

    assert len(names) == 1
    assert names[0].startswith("event-grid/HUB-EVENTS/")
    assert letter["subject"].endswith("/lost.csv")
    assert (letter["deadLetterReason"], letter["lastDeliveryOutcome"]) == ("MaxDeliveryAttemptsExceeded", "SocketError")
