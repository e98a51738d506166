"""A route that follows its endpoint: each run asks once what scores, keeps it to its end, and says which it was."""

import json
from dataclasses import replace

import pytest

from shared.codec import encode
from shared.domain.failures import Transient
from shared.domain.inference.routes import VersionContract
from shared.domain.inference.runs import RunOutcome
from shared.domain.promotion.models import EntryState, ModelVersion
from shared.ports import AssetKind, EndpointKind, WantedDeployment
from shared.records.predicates import EntryStatement
from shared.records.registry import sign_entry
from tests.fakes.promotion import MemoryCloud, MemoryEndpoints, MemoryModels
from tests.inference.conftest import CONFIGURATION, SCORE, WORKSPACE, InferenceApp, a_route

FOLLOWING = replace(SCORE, deployment="", version="", follows=True)
OWN = (VersionContract(version="2", contract="c2"),)
WHY = {"reason": "known outlier, agreed with the ward"}


@pytest.fixture
def endpoints(app: InferenceApp) -> MemoryEndpoints:
    """Batch endpoint `e`, which has no default deployment yet, and a route that follows it."""
    cloud = MemoryCloud()
    endpoints = MemoryEndpoints(cloud)
    endpoints.ensure(WORKSPACE, EndpointKind.BATCH, "e")
    publish = "predictions/{model}/{version}/{run}"
    routes = (replace(a_route("each", contracts=OWN, publish=publish), score=FOLLOWING),)
    vars(app.clients).update(
        endpoints=endpoints,
        models=MemoryModels(cloud),
        configuration=replace(app.clients.configuration, routes=routes),
    )
    return endpoints


def serve(endpoints: MemoryEndpoints, version: str, model: str = "m") -> None:
    """Deploy a version beside the others, and make it the endpoint's default."""
    asset = MemoryModels(MemoryCloud()).asset_id(WORKSPACE, AssetKind.MODEL, ModelVersion(name=model, version=version))
    wanted = WantedDeployment(name=f"{model}-{version}", endpoint="e", kind=EndpointKind.BATCH, model=asset)
    endpoints.deploy(WORKSPACE, wanted)
    endpoints.choose(WORKSPACE, "e", wanted.name)


def announced_models(app: InferenceApp) -> list[str]:
    return [data["model"] for _, _, data in app.announced.events]


def withdraw(app: InferenceApp, version: str, state: EntryState) -> None:
    entry = EntryStatement(
        registry="central",
        model=ModelVersion(name="m", version=version),
        bundle="sha256:" + "0" * 64,
        state=state.value,
        approved_by="",
        promotion="p",
        at=app.clients.clock.now(),
    )
    sign_entry(app.clients.statements, state.value, entry)


async def test_what_was_promoted_scores_and_the_result_says_which_version_it_was(app, endpoints):
    serve(endpoints, "1")
    first = await app.arrive("landing/each/north/a.csv")
    await app.finish(first)
    serve(endpoints, "2")
    second = await app.arrive("landing/each/north/b.csv")
    result = await app.finish(second)

    manifest = json.loads(app.hub.read("predictions", f"m/2/{second}/_manifest.json") or b"")
    assert (manifest["model"], manifest["contract"]) == ({"name": "m", "version": "2"}, "c2")
    assert (manifest["scored_by"]["deployment"], manifest["scored_by"]["pinned"]) == ("m-2", False)
    assert result.manifest == f"predictions/m/2/{second}/_manifest.json"
    assert announced_models(app) == ["m:1", "m:2"]
    _, shown = await app.request("GET", f"runs/{first}")
    assert (shown["model"], shown["deployment"], shown["pinned"]) == ("m:1", "e/m-1", False)


async def test_a_switch_in_mid_run_leaves_the_run_with_the_version_it_has_begun_with(app, endpoints):
    serve(endpoints, "1")
    run = await app.arrive("landing/each/north/a.csv", b"id,x\n1,bad\n")
    await app.host.settle()  # It is quarantined, before its job.
    serve(endpoints, "2")
    await app.request("POST", f"runs/{run}/release", WHY)
    result = await app.finish(run)

    assert result.manifest == f"predictions/m/1/{run}/_manifest.json"


async def test_a_repeated_opening_gives_the_first_answer(app, endpoints, monkeypatch):
    """The activity dies after it has written the record: the endpoint has another default when it runs again."""
    serve(endpoints, "1")
    create, failures = app.hub.create, []

    def create_and_die(container: str, path: str, *rest, **options):
        result = create(container, path, *rest, **options)
        if path.endswith("/run.json") and not failures:
            failures.append(path)
            serve(endpoints, "2")
            raise Transient("the answer was lost")
        return result

    monkeypatch.setattr(app.hub, "create", create_and_die)
    run = await app.arrive("landing/each/north/a.csv")
    result = await app.finish(run)

    assert failures
    assert result.manifest == f"predictions/m/1/{run}/_manifest.json"


@pytest.mark.parametrize(
    ("served", "because"),
    [
        ((), "batch endpoint e in dev has no default deployment; promote a version there"),
        (("1", "other"), "serves other:1, and the route scores with m"),
    ],
)
async def test_an_endpoint_that_does_not_serve_the_model_fails_the_run_by_name(app, endpoints, served, because):
    if served:
        serve(endpoints, *served)
    run = await app.arrive("landing/each/north/a.csv")
    result = await app.finish(run)

    assert result.outcome is RunOutcome.FAILED
    assert because in result.because
    assert not app.jobs.created
    assert announced_models(app) == ["m"]


async def test_a_run_as_it_was_is_scored_by_the_version_that_scored_it_and_one_of_today_by_todays(app, endpoints):
    serve(endpoints, "1")
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    serve(endpoints, "2")

    _, before = await app.request("POST", f"runs/{run}/reprocess", {"reason": "again", "as_it_was": True})
    result = await app.finish(before["id"])
    assert result.manifest.startswith("predictions/m/1/")
    _, today = await app.request("POST", f"runs/{before['id']}/reprocess", {"reason": "again"})
    result = await app.finish(today["id"])
    assert "m at dev/e (its default deployment)" in today["note"]
    assert result.manifest.startswith("predictions/m/2/")


@pytest.mark.parametrize("is_pinned", [True, False])
async def test_a_revoked_version_scores_nothing_whoever_names_it(app, endpoints, is_pinned):
    serve(endpoints, "1")
    if is_pinned:
        vars(app.clients)["configuration"] = CONFIGURATION
    withdraw(app, "1", EntryState.APPROVED)
    await app.pass_time(1)
    withdraw(app, "1", EntryState.REVOKED)
    result = await app.finish(await app.arrive("landing/each/north/a.csv"))

    assert result.outcome is RunOutcome.FAILED
    assert result.because.startswith("m:1 was revoked, so nothing is scored with it")
    assert not app.jobs.created


async def test_a_pinned_version_that_is_retired_still_scores(app, endpoints):
    vars(app.clients)["configuration"] = CONFIGURATION
    withdraw(app, "1", EntryState.RETIRED)

    assert (await app.finish(await app.arrive("landing/each/north/a.csv"))).outcome is RunOutcome.COMPLETED


async def test_a_run_that_lost_its_orchestration_is_told_with_the_version_that_scored_it(app, endpoints):
    serve(endpoints, "1")
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(30)
    serve(endpoints, "2")
    await app.host.terminate(run, "somebody pulled the plug")
    await app.pass_time(700)

    assert announced_models(app) == ["m:1"]


def test_a_route_that_follows_writes_no_field_that_earlier_releases_do_not_know():
    assert "follows" not in encode(SCORE)
    assert "contracts" not in encode(CONFIGURATION.routes[0])
