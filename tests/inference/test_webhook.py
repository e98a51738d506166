"""What the Event Grid web hook is sent reaches the app as it was sent, through the SDK's own converter."""

import json
from typing import Any

import aiohttp
import pytest

from tests.inference.conftest import InferenceApp, created

CLOUD = "application/cloudevents+json"


async def deliver(app: InferenceApp, body: Any, kind: str = "application/json") -> int:
    code = app.host.host.keys.eventgrid_extension
    url = f"{app.host.url}/runtime/webhooks/EventGrid?functionName=receive_hub_event&code={code}"
    headers = {"aeg-event-type": "Notification", "Content-Type": kind}
    async with aiohttp.ClientSession() as session, session.post(url, data=json.dumps(body), headers=headers) as answer:
        return answer.status


def cloud(app: InferenceApp, version: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    blob = app.land("landing/each/north/cloud.csv")
    event = created(blob, "cloud-1")
    named = {"id": "cloud-1", "source": event["topic"], "subject": event["subject"], "type": event["eventType"]}
    return app.run_of(blob), {version: "1.0", **named, "time": event["eventTime"], "data": event["data"], **changes}


@pytest.mark.parametrize("version", ["specversion", "specVersion"])
async def test_a_cloud_event_keeps_its_fields_however_its_version_is_spelled(app: InferenceApp, version: str) -> None:
    run, event = cloud(app, version)

    assert await deliver(app, event, CLOUD) == 202
    assert (await app.finish(run)).outcome == "completed"


@pytest.mark.parametrize("time", ["yesterday", "2026-13-45T00:00:00Z", 1767225600, ["2026"], {"at": 1}, "0" * 5000])
@pytest.mark.parametrize("field", ["eventTime", "time"])
async def test_an_event_with_a_bad_time_is_stored_and_acknowledged(app: InferenceApp, field: str, time: Any) -> None:
    blob = app.land("landing/each/north/a.csv")
    if field == "time":
        event, kind = cloud(app, "specversion", time=time, extra="kept")[1], CLOUD
    else:
        event, kind = created(blob, "event-1") | {"eventTime": time, "extra": "kept"}, "application/json"

    assert await deliver(app, event, kind) == 202
    (letter,) = app.hub.list("dead-letters", "events/")
    stored = json.loads(app.hub.read("dead-letters", letter.path))
    assert "eventTime is " in stored["reason"]
    assert stored["event"]["extra"] == "kept"


@pytest.mark.parametrize(
    "event", [{}, {"id": None, "eventType": 5, "data": "x"}, {"specversion": 1, "id": [], "data": 7}]
)
async def test_whatever_an_event_holds_it_is_stored(app: InferenceApp, event: Any) -> None:
    assert await deliver(app, event) == 202
    assert len(list(app.hub.list("dead-letters", "events/"))) == 1
