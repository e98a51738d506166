"""Every event is one line of the log, with how late it came."""

import logging

import pytest

from tests.inference.conftest import InferenceApp, created


async def test_an_event_is_logged_with_its_lag(app: InferenceApp, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "triggers.events.receiver")
    blob = app.land("landing/each/north/a.csv")
    happened = app.clients.clock.now().isoformat()

    await app.tell(blob, "timely", eventTime=happened)
    await app.request("POST", "events", {**created(blob, "vague"), "eventTime": "yesterday"})

    timely, vague = (record.getMessage() for record in caplog.records if record.name == "triggers.events.receiver")
    assert timely.startswith("event timely, lag_s=0.0")
    assert vague.startswith("event vague, lag_s=unknown")
