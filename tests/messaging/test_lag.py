"""What waited in a queue is late from when it was put there, or from when it says itself that it happened."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest
from azure.functions.servicebus import ServiceBusMessage

from tests.inference.conftest import InferenceApp, app, sweeps  # noqa: F401 (fixtures)
from tests.messaging.conftest import BLOBS
from tests.recorder import recorder
from triggers.queues.decisions import receive_decision
from triggers.queues.hub_messages import receive_message
from triggers.queues.queue_messages import PoisonMessage
from triggers.queues.service_hooks import receive_hook
from triggers.queues.stream_records import receive_records

HOUR = 3600.0
SAMPLE = json.loads(Path("tests/payloads/ado/hook_run_state_changed.json").read_text())


def enqueued(at: datetime | None, body: Any) -> ServiceBusMessage:
    return ServiceBusMessage(
        body=json.dumps(body).encode(),
        message_id="m-1",
        session_id="oslo",
        enqueued_time_utc=at,
        application_properties={},
        user_properties={},
    )


def client_of(app: InferenceApp) -> Any:  # noqa: F811
    return df.DurableOrchestrationClient(app.host.client_binding())


async def test_what_a_message_starts_is_as_late_as_the_message_is_old(app: InferenceApp):  # noqa: F811
    told, blob = recorder(), app.land("landing/each/oslo/old.csv")
    vars(app.clients)["settings"] = SimpleNamespace(blob_service=BLOBS)
    old = app.host.clock.now() - timedelta(hours=1)

    await receive_message(client_of(app), app.clients, enqueued(old, {"paths": [f"{blob.container}/{blob.path}"]}))
    await app.finish(app.run_of(blob))

    source = {"source": "Signalbox.HubMessage"}
    for name, about in (("signalbox.queue.age", {}), ("signalbox.start.lag", {"orchestration": "run_inference"})):
        assert (told.count(name, **source, **about), told.total(name, **source, **about)) == (1, HOUR)
    assert told.count("signalbox.effect.lag", **source) == 1
    assert told.total("signalbox.effect.lag", **source) >= HOUR


RECEIVERS: dict[str, Callable[..., Awaitable[Any]]] = {
    "Signalbox.HubMessage": receive_message,
    "Signalbox.HubRecords": receive_records,
    "Signalbox.Decision": receive_decision,
    "AzureDevOps.Hook": receive_hook,
}


@pytest.mark.parametrize("source", RECEIVERS)
async def test_the_age_of_each_queue_is_a_figure_whatever_becomes_of_the_message(app: InferenceApp, source: str):  # noqa: F811
    told = recorder()
    vars(app.clients)["settings"] = SimpleNamespace(blob_service=BLOBS)

    for at in (app.host.clock.now() - timedelta(hours=1), None):
        try:
            await RECEIVERS[source](client_of(app), app.clients, enqueued(at, {"wrong": True}))
        except PoisonMessage:
            continue

    assert told.count("signalbox.events", source=source) == 2
    assert (told.count("signalbox.queue.age", source=source), told.total("signalbox.queue.age")) == (1, HOUR)


async def test_a_hook_is_late_from_when_it_was_made_and_not_from_when_it_was_sent_on(app: InferenceApp):  # noqa: F811
    told, now = recorder(), app.host.clock.now()
    made = {**SAMPLE, "createdDate": (now - timedelta(hours=2)).isoformat()}

    await receive_hook(client_of(app), app.clients, enqueued(now - timedelta(hours=1), made))
    await receive_hook(
        client_of(app),
        app.clients,
        enqueued(now - timedelta(hours=1), {**SAMPLE, "id": "other", "createdDate": "soon"}),
    )

    assert told.total("signalbox.queue.age", source="AzureDevOps.Hook") == 2 * HOUR
    assert told.total("signalbox.start.lag", source="AzureDevOps.Hook") == 3 * HOUR
