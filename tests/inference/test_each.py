"""One file, one run: the whole path, and what becomes of it when something goes wrong."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.inference.runs import RunOutcome
from tests.inference.conftest import CONFIGURATION, COUNTED, InferenceApp
from tests.outages import Outage
from tests.unit.schedules.oracle import MORE


async def test_a_file_lands_and_its_predictions_are_published_with_a_manifest(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv")

    result = await app.finish(run)

    assert (result.outcome, result.because) == (RunOutcome.COMPLETED, COUNTED)
    manifest = json.loads(app.hub.read("predictions", f"each/{run}/_manifest.json") or b"")
    assert manifest["rows"] == {"in": 2, "out": 2}
    assert [file["name"] for file in manifest["files"]] == ["predictions.csv"]
    assert manifest["arrivals"][0]["path"] == "landing/each/north/a.csv"
    assert app.announced.kinds == ["Signalbox.Inference.Completed"]
    assert app.record(run)["outcome"] == "completed"


async def test_the_same_arrival_again_is_a_record_and_nothing_else(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")
    await app.tell(blob, "first")
    run = app.run_of(blob)
    await app.tell(blob, "while it runs")
    await app.finish(run)
    await app.tell(blob, "after it ended")
    await app.host.settle()

    assert sum(app.jobs.created.values()) == 1
    assert len(app.announced.events) == 1
    skipped = app.lines(f"runs/{run}/duplicates.jsonl")
    assert [skip["event"] for skip in skipped] == ["while it runs", "after it ended"]
    assert all("skipped" in skip["reason"] for skip in skipped)


async def test_a_finished_instance_that_is_replaced_finds_that_its_run_was_opened(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    again = json.loads(app.hub.read("signalbox", f"runs/{run}/run.json") or b"")["inference"]
    await app.pass_time(1)
    await app.host.start("run_inference", run, again)

    result = await app.finish(run)

    assert result.outcome is RunOutcome.DUPLICATE
    assert sum(app.jobs.created.values()) == 1
    assert len(app.announced.events) == 1


async def test_new_content_at_the_same_path_is_a_new_arrival(app: InferenceApp) -> None:
    first = await app.arrive("landing/each/north/a.csv")
    await app.finish(first)
    second = await app.arrive("landing/each/north/a.csv", b"id,x\n9,9\n")

    assert second != first
    assert (await app.finish(second)).outcome is RunOutcome.COMPLETED


async def test_an_event_for_content_that_was_overwritten_scores_nothing(app: InferenceApp) -> None:
    stale = app.land("landing/each/north/a.csv")
    app.land("landing/each/north/a.csv", b"id,x\n9,9\n")
    await app.tell(stale)

    result = await app.finish(app.run_of(stale))

    assert result.outcome is RunOutcome.SUPERSEDED
    assert not app.jobs.created


async def test_what_a_run_wrote_is_never_scored(app: InferenceApp) -> None:
    own = app.land("landing/each/north/a.csv", signalbox_run="some-run")
    await app.tell(own)

    result = await app.finish(app.run_of(own))

    assert result.outcome is RunOutcome.SUPERSEDED
    assert "was written by Signalbox" in result.because


async def test_a_lost_answer_to_a_submission_does_not_make_a_second_job(app: InferenceApp) -> None:
    app.jobs.lose_next_answer = True
    run = await app.arrive("landing/each/north/a.csv")

    assert (await app.finish(run)).outcome is RunOutcome.COMPLETED
    assert list(app.jobs.created.values()) == [1]


@pytest.mark.parametrize(("route", "outcome"), [("each", RunOutcome.FAILED), ("partial", RunOutcome.PARTIAL)])
async def test_missing_rows_are_said_and_judged_by_policy(app: InferenceApp, route: str, outcome: RunOutcome) -> None:
    app.jobs.lose_rows = 1
    run = await app.arrive(f"landing/{route}/north/a.csv")

    result = await app.finish(run)

    assert result.outcome is outcome
    assert "1 line of output for 2 rows: 1 missing" in result.because
    published = app.hub.find("predictions", f"{route}/{run}/_manifest.json") is not None
    assert published == (outcome is RunOutcome.PARTIAL)


async def test_a_failed_job_fails_the_run_and_is_announced(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Failed"
    run = await app.arrive("landing/each/north/a.csv")

    result = await app.finish(run)

    assert (result.outcome, result.because) == (RunOutcome.FAILED, "the job ended as Failed")
    assert app.announced.kinds == ["Signalbox.Inference.Failed"]


@pytest.mark.parametrize("sweeps", ["0 0 * * * *"])
async def test_a_job_that_never_ends_is_cancelled_in_time_and_is_a_failure(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/north/a.csv")

    result = await app.finish(run)

    assert result.outcome is RunOutcome.FAILED
    assert "timed out" in result.because
    assert list(app.jobs.cancelled.values()) == [1]


@pytest.mark.parametrize("sweeps", ["0 0 0 1 1 *"])
async def test_a_long_wait_keeps_the_history_short(app: InferenceApp) -> None:
    """Hours of it, without sweeps; with SIGNALBOX_EXAMPLES=16 a week."""
    patient = replace(CONFIGURATION.routes[0], give_up_after_s=8 * 86400)
    vars(app.clients)["configuration"] = replace(CONFIGURATION, routes=(patient,))
    app.jobs.status_after = lambda looks: "Running" if looks < 60 * MORE else "Completed"
    run = await app.arrive("landing/each/north/a.csv")
    began, longest = app.host.clock.now(), 0
    await app.host.settle()
    while app.host.get(run).status == "Running":
        longest = max(longest, app.events(f"{run}-wait"), app.events(run))
        await app.pass_time(3600)

    assert 20 < longest < 200
    assert app.host.clock.now() - began > timedelta(hours=6 * MORE)
    assert app.record(run)["outcome"] == "completed"


async def test_retries_run_out_on_a_fault_that_stays_and_the_run_says_so(app: InferenceApp) -> None:
    with Outage(app.jobs, "submit"):
        run = await app.arrive("landing/each/north/a.csv")
        result = await app.finish(run)

    assert result.outcome is RunOutcome.FAILED
    assert "submit_job" in result.because
    assert "503 the service is down" in result.because
