"""One file, one run: the whole path, and what becomes of it when something goes wrong."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.failures import Transient
from shared.domain.inference.runs import RunOutcome
from tests.inference.conftest import CONFIGURATION, COUNTED, Product
from tests.unit.schedules.oracle import MORE


async def test_a_file_lands_and_its_predictions_are_published_with_a_manifest(product: Product) -> None:
    run = await product.arrive("landing/each/north/a.csv")

    result = await product.finish(run)

    assert (result.outcome, result.because) == (RunOutcome.COMPLETED, COUNTED)
    manifest = json.loads(product.hub.read("predictions", f"each/{run}/_manifest.json") or b"")
    assert manifest["rows"] == {"in": 2, "out": 2}
    assert [file["name"] for file in manifest["files"]] == ["predictions.csv"]
    assert manifest["arrivals"][0]["path"] == "landing/each/north/a.csv"
    assert product.announced.kinds == ["Signalbox.Inference.Completed"]
    assert product.record(run)["outcome"] == "completed"


async def test_the_same_arrival_again_is_a_record_and_nothing_else(product: Product) -> None:
    blob = product.land("landing/each/north/a.csv")
    await product.tell(blob, "first")
    run = product.run_of(blob)
    await product.tell(blob, "while it runs")
    await product.finish(run)
    await product.tell(blob, "after it ended")
    await product.host.settle()

    assert sum(product.jobs.created.values()) == 1
    assert len(product.announced.events) == 1
    skipped = product.lines(f"runs/{run}/duplicates.jsonl")
    assert [skip["event"] for skip in skipped] == ["while it runs", "after it ended"]
    assert all("skipped" in skip["reason"] for skip in skipped)


async def test_a_finished_instance_that_is_replaced_finds_that_its_run_was_opened(product: Product) -> None:
    run = await product.arrive("landing/each/north/a.csv")
    await product.finish(run)
    again = json.loads(product.hub.read("signalbox", f"runs/{run}/run.json") or b"")["inference"]
    await product.pass_time(1)
    await product.host.start("run_inference", run, again)

    result = await product.finish(run)

    assert result.outcome is RunOutcome.DUPLICATE
    assert sum(product.jobs.created.values()) == 1
    assert len(product.announced.events) == 1


async def test_new_content_at_the_same_path_is_a_new_arrival(product: Product) -> None:
    first = await product.arrive("landing/each/north/a.csv")
    await product.finish(first)
    second = await product.arrive("landing/each/north/a.csv", b"id,x\n9,9\n")

    assert second != first
    assert (await product.finish(second)).outcome is RunOutcome.COMPLETED


async def test_an_event_for_content_that_was_overwritten_scores_nothing(product: Product) -> None:
    stale = product.land("landing/each/north/a.csv")
    product.land("landing/each/north/a.csv", b"id,x\n9,9\n")
    await product.tell(stale)

    result = await product.finish(product.run_of(stale))

    assert result.outcome is RunOutcome.SUPERSEDED
    assert not product.jobs.created


async def test_what_a_run_wrote_is_never_scored(product: Product) -> None:
    own = product.land("landing/each/north/a.csv", signalbox_run="some-run")
    await product.tell(own)

    result = await product.finish(product.run_of(own))

    assert result.outcome is RunOutcome.SUPERSEDED
    assert "was written by Signalbox" in result.because


async def test_a_lost_answer_to_a_submission_does_not_make_a_second_job(product: Product) -> None:
    product.jobs.lose_next_answer = True
    run = await product.arrive("landing/each/north/a.csv")

    assert (await product.finish(run)).outcome is RunOutcome.COMPLETED
    assert list(product.jobs.created.values()) == [1]


@pytest.mark.parametrize(("route", "outcome"), [("each", RunOutcome.FAILED), ("partial", RunOutcome.PARTIAL)])
async def test_missing_rows_are_said_and_judged_by_policy(product: Product, route: str, outcome: RunOutcome) -> None:
    product.jobs.lose_rows = 1
    run = await product.arrive(f"landing/{route}/north/a.csv")

    result = await product.finish(run)

    assert result.outcome is outcome
    assert "1 lines of output for 2 rows: 1 missing" in result.because
    published = product.hub.find("predictions", f"{route}/{run}/_manifest.json") is not None
    assert published == (outcome is RunOutcome.PARTIAL)


async def test_a_failed_job_fails_the_run_and_is_announced(product: Product) -> None:
    product.jobs.status_after = lambda looks: "Failed"
    run = await product.arrive("landing/each/north/a.csv")

    result = await product.finish(run)

    assert (result.outcome, result.because) == (RunOutcome.FAILED, "the job ended as Failed")
    assert product.announced.kinds == ["Signalbox.Inference.Failed"]


async def test_a_job_that_never_ends_is_cancelled_in_time_and_is_a_failure(product: Product) -> None:
    product.jobs.status_after = lambda looks: "Running"
    run = await product.arrive("landing/each/north/a.csv")

    result = await product.finish(run)

    assert result.outcome is RunOutcome.FAILED
    assert "timed out" in result.because
    assert list(product.jobs.cancelled.values()) == [1]


@pytest.mark.parametrize("sweeps", ["0 0 0 1 1 *"])
async def test_a_long_wait_keeps_the_history_short(product: Product) -> None:
    """Hours of it, without sweeps; with SIGNALBOX_EXAMPLES=16 a week."""
    patient = replace(CONFIGURATION.routes[0], give_up_after_s=8 * 86400)
    vars(product.clients)["configuration"] = replace(CONFIGURATION, routes=(patient,))
    product.jobs.status_after = lambda looks: "Running" if looks < 60 * MORE else "Completed"
    run = await product.arrive("landing/each/north/a.csv")
    began, longest = product.host.clock.now(), 0
    await product.host.settle()
    while product.host.get(run).status == "Running":
        longest = max(longest, product.events(f"{run}-wait"), product.events(run))
        await product.pass_time(3600)

    assert 20 < longest < 200
    assert product.host.clock.now() - began > timedelta(hours=6 * MORE)
    assert product.record(run)["outcome"] == "completed"


async def test_retries_run_out_on_a_fault_that_stays_and_the_run_says_so(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Transient("look at job: 503 the service is down")

    monkeypatch.setattr(product.jobs, "submit", down)
    run = await product.arrive("landing/each/north/a.csv")

    result = await product.finish(run)

    assert result.outcome is RunOutcome.FAILED
    assert "submit_job" in result.because
    assert "503 the service is down" in result.because
