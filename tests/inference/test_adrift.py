"""Runs that nobody opened, and runs whose orchestration is gone: each ends, on its record and to the world, once."""

from dataclasses import replace

import pytest

from shared import contracts as c
from shared.application.inference.open_runs import keep_open
from shared.application.inference.result_requests import note_askers
from shared.codec import encode
from shared.domain.inference.arrivals import Arrival
from shared.domain.messaging import Asker
from tests.inference.conftest import CONFIGURATION, COUNTED, InferenceApp
from tests.messaging.test_lag import client_of
from tests.outages import Outage

BAD = b"id,x\n1,bad\n"


def still_open(app: InferenceApp) -> list[str]:
    return [blob.path for blob in app.hub.list("signalbox", "runs-open/")]


def inference_of(app: InferenceApp, location: str) -> c.Inference:
    blob = app.land(location)
    run, route = app.run_of(blob), CONFIGURATION.routes[0]
    claimed = {"run": run, "route": route, "hub": app.clients.configuration.hub, "captures": {"site": "north"}}
    arrived = Arrival(account="datahub", container=blob.container, path=blob.path, etag=blob.etag, size=blob.size)
    return c.Inference(**claimed, date="2026-01-01", trigger=arrived)


async def test_a_run_that_was_accepted_and_never_started_is_started_by_the_sweep(app: InferenceApp) -> None:
    """Its event is gone, and no sweep of a route finds its file: nothing but the list of open runs knows of it."""
    inference = inference_of(app, "landing/each/north/a.csv")
    keep_open(app.hub, inference)
    vars(app.clients)["configuration"] = replace(CONFIGURATION, routes=())
    await app.pass_time(700)

    assert app.record(inference.run)["outcome"] == "completed"
    assert not still_open(app)


async def test_a_run_that_an_outage_kept_from_being_opened_is_opened_after_it(app: InferenceApp) -> None:
    with Outage(app.hub, "create", lambda container, path, *_: path.endswith("/run.json")):
        run = await app.arrive("landing/each/north/a.csv")
        await app.pass_time(30)
        assert app.host.get(run).status == "Failed"
    await app.pass_time(700)

    assert app.record(run)["outcome"] == "completed"
    assert not still_open(app)


async def test_a_run_that_was_terminated_before_it_had_a_job_is_closed_and_told(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()
    await app.host.terminate(run, "somebody pulled the plug")
    await app.pass_time(700)

    record = app.record(run)
    assert (record["outcome"], record["because"]) == ("cancelled", "its orchestration was ended from outside")
    assert app.announced.kinds == ["Signalbox.Inference.Quarantined", "Signalbox.Inference.Cancelled"]
    assert not app.jobs.cancelled
    assert not still_open(app)


async def test_a_run_that_was_terminated_before_it_was_opened_stays_ended(app: InferenceApp) -> None:
    with Outage(app.hub, "create"):
        inference = inference_of(app, "landing/each/north/a.csv")
        await client_of(app).start_new("run_inference", inference.run, encode(inference))
        await app.host.terminate(inference.run, "not this one")
    keep_open(app.hub, inference)
    await app.pass_time(700)

    assert app.record(inference.run)["outcome"] == "cancelled"
    assert not app.jobs.created


async def test_an_outage_of_the_announcer_leaves_no_published_run_untold(app: InferenceApp) -> None:
    with Outage(app.announced, "announce"):
        run = await app.arrive("landing/each/north/a.csv")
        await app.pass_time(60)
    assert app.host.get(run).status == "Failed"
    await app.pass_time(700)

    record = app.record(run)
    assert (record["outcome"], record["because"]) == ("completed", COUNTED)
    assert record["manifest"] == f"predictions/each/{run}/_manifest.json"
    assert app.announced.kinds == ["Signalbox.Inference.Completed"]
    assert not app.jobs.cancelled
    assert not still_open(app)


async def test_an_outage_of_the_topic_leaves_nobody_untold_who_asked(app: InferenceApp) -> None:
    hub = replace(CONFIGURATION.hub, results="results")
    vars(app.clients)["configuration"] = replace(CONFIGURATION, hub=hub)
    inference = inference_of(app, "landing/each/north/a.csv")
    note_askers(app.hub, inference, [Asker(message="m-1")])
    with Outage(app.clients.messenger, "send"):
        await app.tell(app.hub.blobs["landing", "each/north/a.csv"][0])
        await app.pass_time(60)
    assert app.record(inference.run)["outcome"] == "completed"
    await app.pass_time(700)

    sent = app.clients.messenger.sent.values()  # type: ignore[attr-defined]
    assert [(message.correlation, message.properties["outcome"]) for message in sent] == [("m-1", "completed")]
    assert app.announced.kinds == ["Signalbox.Inference.Completed"]
    assert not still_open(app)


async def test_an_event_that_comes_after_its_runs_history_is_gone_leaves_nothing_open(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(60)
    await app.host.host.client.purge(run)
    await app.tell(app.hub.blobs["landing", "each/north/a.csv"][0], "event-2")
    await app.pass_time(700)

    assert app.record(run)["outcome"] == "completed"
    assert app.announced.kinds == ["Signalbox.Inference.Completed"]
    assert not still_open(app)


@pytest.mark.parametrize("spoken", ["cancelled", "failed"])
async def test_what_was_announced_before_the_end_stands(app: InferenceApp, spoken: str) -> None:
    if spoken == "failed":
        app.jobs.status_after = lambda looks: "Failed"
    else:
        app.jobs.status_after = lambda looks: "Canceled"
    with Outage(app.hub, "replace"):
        run = await app.arrive("landing/each/north/a.csv")
        await app.pass_time(60)
    await app.pass_time(700)

    assert app.record(run)["outcome"] == spoken
    assert app.announced.kinds == [f"Signalbox.Inference.{spoken.capitalize()}"]
