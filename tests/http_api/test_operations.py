"""Status URLs: how what was started goes, in the workflow's own words, for as long as its record is there."""

from datetime import timedelta

import pytest

from tests.http_api.conftest import ask
from tests.inference.conftest import InferenceApp

WHY = {"reason": "asked for by the ward"}


async def test_a_run_is_followed_from_running_to_its_end(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Running" if looks < 3 else "Completed"
    run = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(1)

    _, _, under_way = await ask(app, "GET", f"operations/{run}")
    await app.finish(run)
    _, _, ended = await ask(app, "GET", f"operations/{run}")

    assert (under_way["status"], under_way["step"]) == ("running", "waiting for the job")
    assert (ended["status"], ended["outcome"], ended["resource"]) == ("succeeded", "completed", f"/api/v1/runs/{run}")


async def test_a_cancelled_run_is_cancelled_and_neither_failed_nor_succeeded(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(30)
    await ask(app, "POST", f"runs/{run}/cancel", WHY)
    await app.finish(run)

    _, _, operation = await ask(app, "GET", f"operations/{run}")

    assert (operation["status"], operation["outcome"]) == ("cancelled", "cancelled")


async def test_a_failure_says_why(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Failed"
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)

    _, _, operation = await ask(app, "GET", f"operations/{run}")

    assert (operation["status"], operation["outcome"]) == ("failed", "failed")
    assert operation["because"]


async def test_an_operation_that_the_host_has_forgotten_is_told_from_its_record(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    _, _, before = await ask(app, "GET", f"operations/{run}")
    await app.pass_time(timedelta(hours=1).total_seconds())
    await app.host.host.client.purge(run)

    status, _, after = await ask(app, "GET", f"operations/{run}")

    same = ("id", "status", "kind", "outcome", "resource")
    assert status == 200
    assert [after[name] for name in same] == [before[name] for name in same]


@pytest.mark.parametrize("name", ["never-started", "..", "%2e%2e%2fruns"])
async def test_what_was_never_started_is_not_found(app: InferenceApp, name: str) -> None:
    status, _, refused = await ask(app, "GET", f"operations/{name}")

    assert status == 404
    assert refused is None or "detail" in refused
