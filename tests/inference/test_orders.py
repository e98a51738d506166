"""Cancel, reprocess, and ends from outside; what people see of runs over HTTP."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.inference.routes import Route
from shared.domain.inference.runs import RunOutcome
from tests.inference.conftest import SCORE, Product, a_route, created

WHY = {"reason": "asked for by the ward"}


async def test_cancelling_a_run_cancels_its_job_once(product: Product) -> None:
    product.jobs.status_after = lambda looks: "Running"
    run = await product.arrive("landing/each/north/a.csv")
    await product.pass_time(30)

    await product.request("POST", f"runs/{run}/cancel", WHY)
    result = await product.finish(run)

    assert result.outcome is RunOutcome.CANCELLED
    assert list(product.jobs.cancelled.values()) == [1]


async def test_a_job_that_an_outage_kept_from_being_cancelled_is_cancelled_after_it(product: Product) -> None:
    product.jobs.status_after, cancel, began = lambda looks: "Running", product.jobs.cancel, product.host.clock.now()
    run = await product.arrive("landing/each/north/a.csv")

    def refusing(*given: Any) -> None:
        if product.host.clock.now() - began < timedelta(hours=1):
            raise Transient("cancel: 503 the service is down")
        cancel(*given)

    product.jobs.cancel = refusing  # type: ignore[method-assign]
    await product.pass_time(30)
    await product.request("POST", f"runs/{run}/cancel", WHY)

    assert (await product.finish(run)).outcome is RunOutcome.CANCELLED
    assert list(product.jobs.cancelled.values()) == [1]


async def test_the_job_of_a_run_terminated_from_outside_is_found_and_cancelled(product: Product) -> None:
    product.jobs.status_after = lambda looks: "Running"
    run = await product.arrive("landing/each/north/a.csv")
    await product.pass_time(5)
    await product.host.terminate(run, "somebody pulled the plug")
    await product.pass_time(900)

    assert set(product.jobs.cancelled.values()) == {1}
    assert product.record(run)["outcome"] == "cancelled"
    assert not list(product.hub.list("signalbox", "jobs/open/"))


async def test_reprocessing_scores_the_pinned_files_as_the_next_attempt(product: Product) -> None:
    run = await product.arrive("landing/each/north/a.csv")
    await product.finish(run)
    product.hub.delete("landing", "each/north/a.csv")

    status, answer = await product.request("POST", f"runs/{run}/reprocess", WHY)
    result = await product.finish(answer["id"])

    assert (status, answer["id"]) == (202, identity.next_attempt(run))
    assert result.outcome is RunOutcome.COMPLETED
    assert len(product.jobs.created) == 2
    refused, problem = await product.request("POST", f"runs/{run}/reprocess", WHY)
    assert refused == 409
    assert answer["id"] in problem["detail"]


async def test_a_run_is_shown_with_its_steps_and_its_skipped_events(product: Product) -> None:
    blob = product.land("landing/each/north/a.csv")
    await product.tell(blob)
    run = product.run_of(blob)
    await product.finish(run)
    await product.tell(blob, "again")

    status, shown = await product.request("GET", f"runs/{run}")
    _, listed = await product.request("GET", "runs?route=each&outcome=completed")

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
async def test_what_is_asked_for_badly_is_refused_plainly(product: Product, path: str, status: int) -> None:
    answered, body = await product.request("GET", path)

    assert answered == status
    assert "detail" in body or status == 200


async def test_an_event_that_cannot_be_read_is_stored_and_acknowledged(product: Product) -> None:
    blob = product.land("landing/each/north/a.csv")

    status, answer = await product.request("POST", "events", created(blob, "e") | {"subject": "nonsense"})

    assert status == 202
    assert "dead-letters/events/" in answer["events"][0][0]
    assert len(list(product.hub.list("dead-letters", "events/"))) == 1


async def test_a_mis_cased_cloud_event_and_a_repeated_one_are_the_same_arrival(product: Product) -> None:
    blob = product.land("landing/each/north/a.csv")
    grid = created(blob, "one")
    cloud = {
        "specVersion": "1.0",
        "id": "two",
        "source": grid["topic"],
        "type": grid["eventType"],
        "subject": grid["subject"],
        "data": {"Api": "PutBlob", "ETag": f'"{blob.etag}"'},
    }

    _, answer = await product.request("POST", "events", [grid, cloud])

    run = product.run_of(blob)
    assert answer["events"] == [[f"run {run} started"], [f"skipped: run {run} is already running"]]


async def test_what_no_route_takes_is_recorded_with_the_reason(product: Product) -> None:
    await product.tell(product.land("landing/elsewhere/a.txt"))

    recorded = list(product.hub.list("signalbox", "ignored/"))
    assert "no route takes landing/elsewhere/a.txt" in product.lines(recorded[0].path)[0]["reason"]


async def test_a_rename_into_place_is_the_arrival_that_a_sweep_would_find(product: Product) -> None:
    blob = product.land("landing/each/north/a.csv")
    renamed = created(blob, "r") | {"eventType": "Microsoft.Storage.BlobRenamed", "data": {"api": "RenameFile"}}

    _, answer = await product.request("POST", "events", renamed)

    assert answer["events"] == [[f"run {product.run_of(blob)} started"]]


def reconfigure(product: Product, *routes: Route) -> None:
    """What a deployment of another `signalbox.yaml` does."""
    vars(product.clients)["configuration"] = replace(product.clients.configuration, routes=routes)


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
    product: Product, as_it_was: bool, model: str, note: str
) -> None:
    run = await product.arrive("landing/each/north/a.csv")
    await product.finish(run)
    mended = replace(a_route("each"), score=replace(SCORE, deployment="green", version="2"))
    reconfigure(product, mended)

    status, answer = await product.request("POST", f"runs/{run}/reprocess", {**WHY, "as_it_was": as_it_was})
    await product.finish(answer["id"])

    assert status == 202
    assert answer["note"].startswith(note)
    _, shown = await product.request("GET", f"runs/{answer['id']}")
    assert (shown["model"], shown["repeats"]) == (model, run)
    assert shown["configuration"] == ("as it was" if as_it_was else "today")


async def test_a_route_that_is_gone_can_be_repeated_as_it_was_only(product: Product) -> None:
    run = await product.arrive("landing/each/north/a.csv")
    await product.finish(run)
    reconfigure(product)

    status, problem = await product.request("POST", f"runs/{run}/reprocess", WHY)
    again, answer = await product.request("POST", f"runs/{run}/reprocess", {**WHY, "as_it_was": True})

    assert (status, "--as-it-was" in problem["detail"]) == (409, True)
    assert again == 202
    assert (await product.finish(answer["id"])).outcome is RunOutcome.COMPLETED


async def test_todays_place_must_be_known_from_the_files_of_the_run(product: Product) -> None:
    run = await product.arrive("landing/each/north/a.csv")
    await product.finish(run)
    reconfigure(product, replace(a_route("each"), publish="predictions/{ward}/{run}"))

    status, problem = await product.request("POST", f"runs/{run}/reprocess", WHY)

    assert (status, "give no ward" in problem["detail"]) == (409, True)
