"""One event's trace joins its receipt, the start, every activity, the job and the announcement, whatever happens
between; figures are counted, with attributes that the configuration bounds."""

from datetime import timedelta

import pytest

from shared.telemetry.carried import carried_in
from shared.telemetry.ids import trace_of
from signalbox.host.clock import VirtualClock
from tests.hosted import hosted
from tests.inference.conftest import InferenceApp
from tests.outages import Outage
from tests.recorder import Recorder, recorder

STEPS = ["open_run", "gather_files", "check_data", "submit_job", "reconcile_rows", "publish_result", "announce_run"]
WHOLE = {"receive BlobArrived", "start run_inference", "run_inference", *STEPS, "wait_for_job", "look_at_job", "job"}


@pytest.fixture
def told() -> Recorder:
    return recorder()


async def test_one_trace_joins_receipt_start_activities_job_and_announcement(app: InferenceApp, told: Recorder):
    run = await app.arrive("landing/each/site-1/a.csv")
    await app.finish(run)

    spans = told.of(run)
    by_id = {span.context.span_id: span for span in spans}
    above = {span.name: by_id[span.parent.span_id].name if span.parent else "" for span in spans}
    assert {span.name for span in spans} == {*WHOLE, "close_run"}
    assert above["receive BlobArrived"] == ""
    assert above["start run_inference"] == "receive BlobArrived"
    assert above["run_inference"] == "start run_inference"
    assert {above[step] for step in STEPS} == {"run_inference"}
    assert (above["wait_for_job"], above["look_at_job"], above["job"]) == (
        "run_inference",
        "wait_for_job",
        "look_at_job",
    )


async def test_an_orchestration_that_was_replayed_many_times_has_one_span(app: InferenceApp, told: Recorder):
    app.jobs.status_after = lambda looks: "Completed" if looks > 5 else "Running"
    run = await app.arrive("landing/each/site-1/a.csv")
    await app.finish(run)

    assert told.names(run).count("run_inference") == 1
    assert told.names(run).count("look_at_job") == 6
    assert told.names(run).count("job") == 1


async def test_another_host_goes_on_with_the_same_trace(app: InferenceApp, told: Recorder, tmp_path, monkeypatch):
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/site-1/a.csv")
    await app.host.settle()
    await app.host.host.stop()
    app.jobs.status_after = lambda looks: "Completed"

    clock = app.host.clock
    assert isinstance(clock, VirtualClock)
    async with hosted(app.clients, clock, tmp_path, monkeypatch) as host:
        await host.advance_until_finished(run, timeout=60)
    assert set(told.names(run)) == {*WHOLE, "close_run"}
    assert told.names(run).count("run_inference") == 1
    await app.host.host.start()  # The fixture stops it.


async def test_an_event_that_comes_twice_is_seen_in_the_trace_of_the_one_run(app: InferenceApp, told: Recorder):
    blob = app.land("landing/each/site-1/a.csv")
    await app.tell(blob, "event-1")
    await app.finish(app.run_of(blob))
    await app.tell(blob, "event-2")

    receipts = [span for span in told.of(app.run_of(blob)) if span.name == "receive BlobArrived"]
    assert [span.attributes["signalbox.event"] for span in receipts] == ["event-1", "event-2"]
    assert told.names(app.run_of(blob)).count("run_inference") == 1
    assert told.count("signalbox.starts", orchestration="run_inference", answer="started", source="BlobArrived") == 1
    assert told.count("signalbox.starts", orchestration="run_inference", answer="already finished") == 1


async def test_what_a_sweep_found_says_so(app: InferenceApp, told: Recorder):
    blob = app.land("landing/each/site-1/lost.csv")
    await app.pass_time(600)
    await app.finish(app.run_of(blob))

    assert {"receive sweep_arrivals", "run_inference", "publish_result"} <= set(told.names(app.run_of(blob)))
    assert told.count("signalbox.effect.lag", route="each", source="sweep_arrivals") == 1


async def test_lags_outcomes_and_durations_are_counted(app: InferenceApp, told: Recorder):
    happened = app.host.clock.now() - timedelta(seconds=90)
    blob = app.land("landing/each/site-1/a.csv")
    app.jobs.status_after = lambda looks: "Completed" if looks > 3 else "Running"
    await app.tell(blob, eventTime=happened.isoformat())
    await app.finish(app.run_of(blob))

    assert told.count("signalbox.events", source="BlobArrived") == 1
    assert told.total("signalbox.start.lag", orchestration="run_inference") == pytest.approx(90)
    assert told.total("signalbox.effect.lag", effect="published", route="each") > 90
    assert told.count("signalbox.runs", route="each", outcome="completed") == 1
    assert told.count("signalbox.job.duration", state="completed") == 1
    assert {told.count("signalbox.activity.duration", activity=step, outcome="done") for step in STEPS} == {1}


async def test_failures_are_counted_by_kind_and_their_messages_stay_out(app: InferenceApp, told: Recorder):
    with Outage(app.announced, "announce", because="canary-7f3a: the connection was lost"):
        run = await app.arrive("landing/each/site-1/a.csv")
        await app.host.advance_until_finished(run, timeout=60)

    broken = [span for span in told.of(run) if span.name == "announce_run"]
    assert told.count("signalbox.failures", activity="announce_run", kind="Transient") == len(broken) == 6
    assert {span.attributes["error.type"] for span in broken} == {"Transient"}
    assert "canary-7f3a" not in "".join(span.to_json() for span in told.exporter.get_finished_spans())


async def test_what_waits_and_for_how_long_is_measured_by_the_sweep(app: InferenceApp, told: Recorder):
    app.land("dead-letters/event-grid/one.json", b"[]")
    await app.pass_time(1200)

    levels = told.levels()
    assert levels["signalbox.backlog", "dead letters"] == 1
    assert 600 <= levels["signalbox.backlog.age", "dead letters"] <= 1200


async def test_no_id_and_no_path_is_an_attribute_of_a_metric(app: InferenceApp, told: Recorder):
    await app.finish(await app.arrive("landing/each/site-1/0.csv"))
    after_one = told.attributes()
    for number in (1, 2):
        await app.finish(await app.arrive(f"landing/each/site-1/{number}.csv"))

    assert told.attributes() == after_one
    assert not [value for value in after_one if "landing" in value or "event-1" in value or value[-2:] == "-1"]


async def test_an_unreadable_event_is_counted_as_such(app: InferenceApp, told: Recorder):
    blob = app.land("landing/each/site-1/a.csv")
    await app.tell(blob, data={"api": "PutBlob", "eTag": ""})

    assert told.count("signalbox.events", source="UnreadableEvent") == 1


def test_a_payload_of_an_earlier_version_carries_nothing():
    assert carried_in({"run": "r"}) is None
    assert carried_in({"telemetry": {"parent": 7}}) is None


def test_children_and_restorations_share_the_trace_of_what_they_are_about():
    assert trace_of("each-1-wait") == trace_of("each-1") == trace_of("each-1-adrift")
    assert trace_of("each-1") != trace_of("each-2")
