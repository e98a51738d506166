"""Runs that somebody asks for with other settings than their route's, and how many machines files need."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shared.domain.inference.routes import OverrideLimits, Overrides
from shared.ports import BatchJob
from shared.records.inference import RunRecord
from shared.records.paths import run_record
from shared.records.store import RecordStore
from signalbox.cli.commands.runs import score
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import FakeClients
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp, a_route

WHY = {"reason": "the backlog of June"}
FILE = "landing/each/north/a.csv"
LIMITED = replace(
    CONFIGURATION,
    routes=(
        a_route(
            "each",
            overrides=Overrides(mini_batch_size=10, retries=1),
            limits=OverrideLimits(instance_count=8, error_threshold=2, computes=("large",), node_hour=0.5),
        ),
    ),
)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceApp]:
    """The app with one route, whose runs may ask for some settings."""
    clock = VirtualClock()
    made = FakeClients(LIMITED, clock.now)
    async with hosted(made, clock, tmp_path, monkeypatch) as host:
        yield InferenceApp(host=host, clients=made)


@pytest.fixture
def submitted(app: InferenceApp, monkeypatch: pytest.MonkeyPatch) -> list[BatchJob]:
    """The jobs that reached Azure ML's port, in order."""
    jobs, submit = list[BatchJob](), app.jobs.submit
    monkeypatch.setattr(app.jobs, "submit", lambda job: (jobs.append(job), submit(job))[1])
    return jobs


def asked(**overrides: Any) -> dict[str, Any]:
    return {"route": "each", "paths": [FILE], **WHY, "overrides": overrides}


async def test_what_was_asked_for_reaches_the_job_the_record_and_the_manifest(
    app: InferenceApp, submitted: list[BatchJob]
) -> None:
    app.land(FILE)

    status, accepted = await app.request("POST", "runs", asked(instance_count=4, compute="large"))
    await app.finish(accepted["id"])
    _, shown = await app.request("GET", f"runs/{accepted['id']}")

    assert status == 202
    [job] = submitted
    assert job.overrides == Overrides(instance_count=4, compute="large", mini_batch_size=10, retries=1)
    assert shown["overrides"] == {"instance_count": 4, "compute": "large"}
    assert app.record(accepted["id"])["inference"]["because"] == WHY["reason"]
    container, _, path = shown["manifest"].partition("/")
    assert json.loads(app.hub.read(container, path) or b"{}")["overrides"] == {
        "instance_count": 4,
        "mini_batch_size": 10,
        "retries": 1,
        "output_file_name": "predictions.csv",
        "compute": "large",
        "asked": ["compute", "instance_count"],
    }


async def test_what_the_route_does_not_allow_starts_nothing(app: InferenceApp) -> None:
    app.land(FILE)

    status, problem = await app.request("POST", "runs", asked(instance_count=9, timeout_s=60))

    assert (status, problem["title"]) == (422, "overrides not allowed")
    assert "instance_count is 9, and the route's limits.instance_count is 8" in problem["detail"]
    assert "timeout_s may not be asked for: the route has no limits.timeout" in problem["detail"]
    assert not list(app.hub.list("signalbox", "runs/"))


async def test_a_run_that_is_there_is_not_said_to_have_other_settings(app: InferenceApp) -> None:
    run = await app.arrive(FILE)
    await app.finish(run)

    status, problem = await app.request("POST", "runs", asked(instance_count=4))

    assert status == 409
    assert run in problem["detail"]


async def test_the_next_attempt_may_ask_and_the_one_after_it_has_the_routes_settings_again(
    app: InferenceApp, submitted: list[BatchJob]
) -> None:
    run = await app.arrive(FILE)
    await app.finish(run)

    for body in (WHY | {"overrides": {"error_threshold": 2}}, WHY | {"as_it_was": True}, WHY):
        _, accepted = await app.request("POST", f"runs/{run}/reprocess", body)
        run = accepted["id"]
        await app.finish(run)

    assert [job.overrides.error_threshold for job in submitted] == [None, 2, 2, None]


async def test_machines_are_suggested_from_runs_that_completed(app: InferenceApp) -> None:
    for number, rows in enumerate((10, 400, 900)):
        looks = app.jobs.looks
        app.jobs.status_after = lambda n, until=looks + rows // 100: "Completed" if n > until else "Running"
        data = b"id,x\n" + b"".join(b"%d,2\n" % row for row in range(rows))
        await app.finish(await app.arrive(f"landing/each/north/{number}.csv", data))
    app.land(FILE, b"id,x\n" + b"1,2\n" * 5000)

    body = {"route": "each", "paths": [FILE], "within_s": 60}
    status, suggested = await app.request("POST", "suggestions", body)

    assert (status, suggested["runs"], suggested["bytes"]) == (200, 3, 20_005)
    assert 1 < suggested["instance_count"] <= 8
    assert suggested["cost"] > 0
    _, accepted = await app.request("POST", "runs", {"route": "each", "paths": [FILE], **WHY})
    await app.finish(accepted["id"])
    status, following = await app.request("GET", f"runs/{accepted['id']}/suggestion?within_s=60")
    assert (status, following["bytes"], following["within_s"]) == (200, 20_005, 60)
    assert following["instance_count"] >= 1


async def test_runs_of_another_endpoint_suggest_nothing_though_its_deployment_has_the_same_name(
    app: InferenceApp,
) -> None:
    runs = [await app.arrive(f"landing/each/north/{number}.csv") for number in range(3)]
    for run in runs:
        await app.finish(run)
    app.land(FILE)
    body = {"route": "each", "paths": [FILE]}
    _, suggested = await app.request("POST", "suggestions", body)
    assert suggested["runs"] == 3

    store = RecordStore(app.hub, "signalbox")
    for run in runs:
        entry = store.get_stored(RunRecord, run_record(run))
        assert entry
        route = entry.record.inference.route
        elsewhere = replace(route, score=replace(route.score, endpoint="another"))
        store.update(entry, replace(entry.record, inference=replace(entry.record.inference, route=elsewhere)))

    _, suggested = await app.request("POST", "suggestions", body)
    assert suggested["runs"] == 0


async def test_without_runs_nothing_is_suggested(app: InferenceApp) -> None:
    app.land(FILE)

    status, suggested = await app.request("POST", "suggestions", {"route": "each", "paths": [FILE]})

    assert (status, suggested["instance_count"]) == (200, 0)
    assert suggested["because"] == "0 completed runs are known; 3 are needed"


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("output_file_name=x.csv", "write NAME=VALUE, NAME one of instance_count, "),
        ("instance_count", "write NAME=VALUE"),
        ("retries=many", "write one, such as retries=4"),
    ],
)
def test_a_setting_that_is_none_is_refused_before_anything_is_asked(override: str, remedy: str) -> None:
    refused = CliRunner().invoke(score, ["each", FILE, "--reason", "r", "--override", override])

    assert refused.exit_code == 2
    assert remedy in " ".join(refused.output.split())
