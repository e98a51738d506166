"""Event Grid's events by a queue: the checks and ids are the web hook's, so what comes by both doors counts once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.functions.servicebus import ServiceBusMessage

from shared.ports import Blob
from tests.http_api.conftest import ask
from tests.inference.conftest import (
    InferenceApp,
    created,
    sweeps,  # noqa: F401 (a fixture)
)
from tests.inference.conftest import app as apart  # noqa: F401 (a fixture: no bus is needed)
from tests.messaging.conftest import BLOBS, EVENTS, Bus
from tests.messaging.test_lag import client_of
from tests.messaging.test_messages import ended, new
from tests.recorder import recorder
from triggers.queues.events import receive_events
from triggers.queues.hub_messages import receive_message
from triggers.queues.queue_messages import PoisonMessage

Door = Callable[..., Awaitable[tuple[str, ...]]]
DOORS: list[Door] = [receive_message, receive_events]


def cloud(blob: Blob, event_id: str) -> dict[str, Any]:
    grid = created(blob, event_id)
    kept = {"id": event_id, "source": grid["topic"], "subject": grid["subject"], "data": grid["data"]}
    return {**kept, "specversion": "1.0", "type": grid["eventType"], "time": grid["eventTime"]}


def sent(body: Any) -> ServiceBusMessage:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ServiceBusMessage(body=content, message_id="eg-1", application_properties={}, user_properties={})


async def take(app: InferenceApp, door: Door, body: Any) -> tuple[str, ...]:
    vars(app.clients)["settings"] = SimpleNamespace(blob_service=BLOBS)
    return await door(client_of(app), app.clients, sent(body))


@pytest.mark.parametrize("schema", [created, cloud])
@pytest.mark.parametrize("door", DOORS)
async def test_an_event_that_comes_by_the_queue_and_by_the_web_hook_is_one_run(
    apart: InferenceApp,  # noqa: F811
    door: Door,
    schema: Callable[[Blob, str], dict[str, Any]],
):
    told, blob = recorder(), apart.land("landing/each/oslo/a.csv")
    run = apart.run_of(blob)

    first = await take(apart, door, schema(blob, "event-1"))
    await apart.tell(blob, "event-1")
    await apart.finish(run)
    again = await take(apart, door, schema(blob, "event-1"))

    assert (first, again) == ((f"run {run} started",), (f"skipped: run {run} is already finished",))
    assert apart.jobs.created.total() == 1
    assert [each["event"] for each in apart.lines(f"runs/{run}/duplicates.jsonl")] == ["event-1", "event-1"]
    assert told.count("signalbox.events", source="BlobArrived") == 3


async def test_an_array_is_taken_event_by_event_and_what_is_not_ours_starts_nothing(apart: InferenceApp):  # noqa: F811
    first, second = (apart.land(f"landing/each/oslo/{name}.csv") for name in ("a", "b"))
    foreign = {**created(second, "3"), "topic": created(second, "3")["topic"].replace("datahub", "elsewhere")}
    uncommitted = {**created(second, "4"), "data": {"api": "CreateFile", "eTag": "0x1"}}

    said = await take(apart, receive_events, [created(first, "1"), created(second, "2"), foreign, uncommitted])

    assert said[:2] == tuple(f"run {apart.run_of(blob)} started" for blob in (first, second))
    assert ["not the hub's account" in said[2], "does not commit" in said[3]] == [True, True]


@pytest.mark.parametrize("door", DOORS)
async def test_an_event_that_cannot_be_read_is_stored_with_its_reason_and_settled(apart: InferenceApp, door: Door):  # noqa: F811
    blob = apart.land("landing/each/oslo/a.csv")
    outside = {**created(blob, "1"), "subject": "/blobServices/default/containers/landing/blobs/../signalbox/x.csv"}

    (said,) = await take(apart, door, outside)
    _, _, page = await ask(apart, "GET", "dead-letters")

    assert said.startswith("stored as dead-letters/events/")
    assert "a segment '.' or '..'" in page["letters"][0]["reason"]
    assert apart.jobs.created.total() == 0


@pytest.mark.parametrize("name", ["dataset_drift_detected.grid", "dataset_drift_detected.cloud", "common_alert.fired"])
async def test_whoever_may_ask_for_inference_by_messages_causes_nothing_else_by_events(apart: InferenceApp, name: str):  # noqa: F811
    event = json.loads(Path(f"tests/payloads/{name}.json").read_text())

    with pytest.raises(PoisonMessage, match="not known here"):
        await take(apart, receive_message, event)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 50_000])
async def test_a_message_that_is_no_json_is_poison_and_stored(apart: InferenceApp, body: bytes):  # noqa: F811
    with pytest.raises(PoisonMessage, match=r"^stored as dead-letters/"):
        await take(apart, receive_events, body)


async def test_an_event_in_the_real_queue_starts_the_run(app: InferenceApp, bus: Bus):
    blob = app.land("landing/each/oslo/queued.csv")

    await asyncio.to_thread(bus.send, EVENTS, created(blob, "event-1"), new("eg"))
    await ended(app, app.run_of(blob))
    await asyncio.to_thread(bus.results, 1)

    assert app.jobs.created.total() == 1
