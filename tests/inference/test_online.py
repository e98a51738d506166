"""A route that sends rows to an online endpoint: the same run as any other, without a job."""

import json
from dataclasses import replace

import pytest

from shared.domain.inference.runs import RunOutcome
from shared.domain.promotion.models import ModelVersion
from shared.ports import AssetKind, EndpointKind, EndpointResponse, OnlineRequest, WantedDeployment
from tests.fakes.promotion import MemoryCloud, MemoryEndpoints, MemoryModels
from tests.inference.conftest import SCORE, WORKSPACE, InferenceApp, a_route

ONLINE = replace(SCORE, deployment="", version="", follows=True, online=True)


class Answering(MemoryEndpoints):
    """Online endpoint `e`, whose versions predict x times their number; *status* is what it answers."""

    def __init__(self, app: InferenceApp) -> None:
        self.cloud = MemoryCloud()
        super().__init__(self.cloud)
        self.status, self.asked, self.lost_rows = [200], list[OnlineRequest](), 0
        self.ensure(WORKSPACE, EndpointKind.ONLINE, "e")
        routes = (replace(a_route("each", publish="predictions/{model}/{version}/{run}"), score=ONLINE),)
        vars(app.clients).update(endpoints=self, configuration=replace(app.clients.configuration, routes=routes))

    def serve(self, **shares: int) -> None:
        """Versions by their shares of the traffic: `v1=95, v2=5`."""
        for name in shares:
            model = ModelVersion(name="m", version=name.removeprefix("v"))
            asset = MemoryModels(self.cloud).asset_id(WORKSPACE, AssetKind.MODEL, model)
            self.deploy(WORKSPACE, WantedDeployment(name=name, endpoint="e", kind=EndpointKind.ONLINE, model=asset))
        self.route(WORKSPACE, "e", shares)

    def invoke(self, request: OnlineRequest) -> EndpointResponse:
        self.asked.append(request)
        status = self.status.pop(0) if len(self.status) > 1 else self.status[0]
        asked, factor = json.loads(request.body)["input_data"], float(request.deployment.removeprefix("v"))
        predictions = [dict(zip(asked["columns"], row, strict=True))["x"] * factor for row in asked["data"]]
        body = json.dumps(predictions[: len(predictions) - self.lost_rows]).encode()
        return EndpointResponse(status=status, body=body, took_ms=1.0)


@pytest.fixture
def endpoint(app: InferenceApp) -> Answering:
    return Answering(app)


async def test_the_rows_are_scored_by_what_has_most_of_the_traffic_and_published_as_ever(app, endpoint) -> None:
    endpoint.serve(v1=95, v2=5)
    run = await app.arrive("landing/each/north/a.csv")
    result = await app.finish(run)

    assert result.outcome is RunOutcome.COMPLETED, result.because
    manifest = json.loads(app.hub.read("predictions", f"m/1/{run}/_manifest.json") or b"")
    assert (manifest["model"]["version"], manifest["scored_by"]["deployment"]) == ("1", "v1")
    assert manifest["rows"] == {"in": 2, "out": 2}
    lines = (app.hub.read("predictions", f"m/1/{run}/predictions.csv") or b"").decode().splitlines()
    assert lines == ["00000-a.csv 1 2 2.0", "00000-a.csv 3 4 4.0"]
    assert [request.deployment for request in endpoint.asked] == ["v1"]
    assert not app.jobs.created


async def test_a_larger_file_is_sent_in_parts(app, endpoint) -> None:
    endpoint.serve(v1=100)
    rows = "".join(f"{number},{number}\n" for number in range(450))
    result = await app.finish(await app.arrive("landing/each/north/a.csv", f"id,x\n{rows}".encode()))

    assert result.outcome is RunOutcome.COMPLETED
    assert [len(json.loads(request.body)["input_data"]["data"]) for request in endpoint.asked] == [200, 200, 50]


async def test_an_overloaded_endpoint_is_asked_again_and_the_output_is_whole_once(app, endpoint) -> None:
    endpoint.serve(v1=100)
    endpoint.status = [429, 503, 200]
    run = await app.arrive("landing/each/north/a.csv")
    result = await app.finish(run)

    assert result.outcome is RunOutcome.COMPLETED
    assert len(endpoint.asked) == 3
    assert app.hub.writes[f"signalbox-staging/runs/{run}/output/predictions.csv"] == 1


@pytest.mark.parametrize(
    ("fault", "because"),
    [
        ({"status": [400]}, "dev/e/v1 answered 400"),
        ({"lost_rows": 1}, "dev/e/v1 gave 1 prediction for 2 rows"),
    ],
)
async def test_an_answer_that_does_not_fit_the_rows_fails_the_run(app, endpoint, fault, because) -> None:
    endpoint.serve(v1=100)
    vars(endpoint).update(fault)
    result = await app.finish(await app.arrive("landing/each/north/a.csv"))

    assert result.outcome is RunOutcome.FAILED
    assert because in result.because


async def test_an_endpoint_without_traffic_scores_nothing(app, endpoint) -> None:
    result = await app.finish(await app.arrive("landing/each/north/a.csv"))

    assert result.outcome is RunOutcome.FAILED
    assert result.because == "online endpoint e in dev has no default deployment; promote a version there"


async def test_a_run_without_a_job_shows_none_and_has_no_log(app, endpoint) -> None:
    endpoint.serve(v1=100)
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)

    _, shown = await app.request("GET", f"runs/{run}")
    status, _ = await app.request("GET", f"runs/{run}/logs")
    assert (shown["model"], shown["deployment"], shown["job"]) == ("m:1", "e/v1", None)
    assert status == 404
