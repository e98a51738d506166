"""Cancel, reprocess, and ends from outside; what people see of runs over HTTP."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import identity
from shared.domain.inference.routes import Route
from shared.domain.inference.runs import RunOutcome
from tests.inference.conftest import SCORE, InferenceApp, a_route, created
from tests.outages import Outage, for_a_while

WHY = {"reason": "asked for by the ward"}


async def test_cancelling_a_run_cancels_its_job_once(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(30)

    await app.request("POST", f"runs/{run}/cancel", WHY)
    result = await app.finish(run)

    assert result.outcome is RunOutcome.CANCELLED
    assert list(app.jobs.cancelled.values()) == [1]


@pytest.mark.parametrize("sweeps", ["0 0 * * * *"])
async def test_a_job_that_an_outage_kept_from_being_cancelled_is_cancelled_after_it(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/north/a.csv")

    with Outage(app.jobs, "cancel", for_a_while(app.host.clock.now, timedelta(hours=1))) as outage:
        await app.pass_time(30)
        await app.request("POST", f"runs/{run}/cancel", WHY)

        assert (await app.finish(run)).outcome is RunOutcome.CANCELLED
    assert outage.refused
    assert list(app.jobs.cancelled.values()) == [1]


async def test_the_job_of_a_run_terminated_from_outside_is_found_and_cancelled(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(5)
    await app.host.terminate(run, "somebody pulled the plug")
    await app.pass_time(900)

    assert set(app.jobs.cancelled.values()) == {1}
    assert app.record(run)["outcome"] == "cancelled"
    assert not list(app.hub.list("signalbox", "jobs/open/"))


async def test_reprocessing_scores_the_pinned_files_as_the_next_attempt(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    app.hub.delete("landing", "each/north/a.csv")

    status, answer = await app.request("POST", f"runs/{run}/reprocess", WHY)
    result = await app.finish(answer["id"])

    assert (status, answer["id"]) == (202, identity.next_attempt(run))
    assert result.outcome is RunOutcome.COMPLETED
    assert len(app.jobs.created) == 2
    refused, problem = await app.request("POST", f"runs/{run}/reprocess", WHY)
    assert refused == 409
    assert answer["id"] in problem["detail"]


async def test_a_run_is_shown_with_its_steps_and_its_skipped_events(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")
    await app.tell(blob)
    run = app.run_of(blob)
    await app.finish(run)
    await app.tell(blob, "again")

    status, shown = await app.request("GET", f"runs/{run}")
    _, listed = await app.request("GET", "runs?route=each&outcome=completed")

    assert status == 200
    assert [step["step"] for step in shown["steps"]] == [
        "gathered",
        "submitted",
        "published",
        "announced-completed",
        "closed",
    ]
    assert [skip["event"] for skip in shown["duplicates"]] == ["again"]
    assert [row["run"] for row in listed["runs"]] == [run]


@pytest.mark.parametrize(("path", "status"), [("runs/none-such-1", 404), ("runs?limit=0", 400), ("health", 200)])
async def test_what_is_asked_for_badly_is_refused_plainly(app: InferenceApp, path: str, status: int) -> None:
    answered, body = await app.request("GET", path)

    assert answered == status
    assert "detail" in body or status == 200


async def test_an_event_that_cannot_be_read_is_stored_and_acknowledged(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")

    status, answer = await app.request("POST", "events", created(blob, "e") | {"subject": "nonsense"})

    assert status == 202
    assert "dead-letters/events/" in answer["events"][0][0]
    assert len(list(app.hub.list("dead-letters", "events/"))) == 1


async def test_a_mis_cased_cloud_event_and_a_repeated_one_are_the_same_arrival(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")
    grid = created(blob, "one")
    cloud = {
        "specVersion": "1.0",
        "id": "two",
        "source": grid["topic"],
        "type": grid["eventType"],
        "subject": grid["subject"],
        "data": {"Api": "PutBlob", "ETag": f'"{blob.etag}"'},
    }

    _, answer = await app.request("POST", "events", [grid, cloud])

    run = app.run_of(blob)
    assert answer["events"] == [[f"run {run} started"], [f"skipped: run {run} is already running"]]


async def test_what_no_route_takes_is_recorded_with_the_reason(app: InferenceApp) -> None:
    await app.tell(app.land("landing/elsewhere/a.txt"))

    recorded = list(app.hub.list("signalbox", "ignored/"))
    assert "no route takes landing/elsewhere/a.txt" in app.lines(recorded[0].path)[0]["reason"]


async def test_a_rename_into_place_is_the_arrival_that_a_sweep_would_find(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")
    renamed = created(blob, "r") | {"eventType": "Microsoft.Storage.BlobRenamed", "data": {"api": "RenameFile"}}

    _, answer = await app.request("POST", "events", renamed)

    assert answer["events"] == [[f"run {app.run_of(blob)} started"]]


def reconfigure(app: InferenceApp, *routes: Route) -> None:
    """What a deployment of another `signalbox.yaml` does."""
    vars(app.clients)["configuration"] = replace(app.clients.configuration, routes=routes)


@pytest.mark.parametrize(
    ("as_it_was", "model", "note"),
    [
        (
            False,
            "m:2",
            "scored by today's configuration: m:2 at dev/e/green, contract c; the run was m:1 at dev/e/blue",
        ),
        (True, "m:1", "scored as the run was: m:1 at dev/e/blue, contract c"),
    ],
)
async def test_reprocessing_uses_todays_configuration_unless_told_otherwise_and_says_which(
    app: InferenceApp, as_it_was: bool, model: str, note: str
) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    mended = replace(a_route("each"), score=replace(SCORE, deployment="green", version="2"))
    reconfigure(app, mended)

    status, answer = await app.request("POST", f"runs/{run}/reprocess", {**WHY, "as_it_was": as_it_was})
    await app.finish(answer["id"])

    assert status == 202
    assert answer["note"].startswith(note)
    _, shown = await app.request("GET", f"runs/{answer['id']}")
    assert (shown["model"], shown["repeats"]) == (model, run)
    assert shown["configuration"] == ("as it was" if as_it_was else "today")


async def test_a_route_that_is_gone_can_be_repeated_as_it_was_only(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    reconfigure(app)

    status, problem = await app.request("POST", f"runs/{run}/reprocess", WHY)
    again, answer = await app.request("POST", f"runs/{run}/reprocess", {**WHY, "as_it_was": True})

    assert (status, "--as-it-was" in problem["detail"]) == (409, True)
    assert again == 202
    assert (await app.finish(answer["id"])).outcome is RunOutcome.COMPLETED


async def test_todays_place_must_be_known_from_the_files_of_the_run(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    reconfigure(app, replace(a_route("each"), publish="predictions/{ward}/{run}"))

    status, problem = await app.request("POST", f"runs/{run}/reprocess", WHY)

    assert (status, "give no ward" in problem["detail"]) == (409, True)
