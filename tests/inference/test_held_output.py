"""Predictions that break the output contract are not published; only a recorded order lets them through."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.domain.inference.runs import RunOutcome
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import FakeClients
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp, a_route
from tests.inference.test_quarantine import WHY

FILE = "landing/judged/north/a.csv"


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweeps: str) -> AsyncIterator[InferenceApp]:
    clock = VirtualClock()
    clients = FakeClients(replace(CONFIGURATION, routes=(a_route("judged", output_contract="out"),)), clock.now)
    async with hosted(clients, clock, tmp_path, monkeypatch, sweeps=sweeps) as host:
        yield InferenceApp(host=host, clients=clients)


def published(app: InferenceApp) -> list[str]:
    return [blob.path for blob in app.hub.list("predictions", "")]


async def test_a_bad_output_holds_the_publication_with_its_reason(app: InferenceApp) -> None:
    app.jobs.predict = lambda row: "bad"  # type: ignore[assignment, return-value]
    run = await app.arrive(FILE)
    await app.host.settle()
    _, shown = await app.request("GET", f"runs/{run}")
    _, page = await app.request("GET", "runs?outcome=held")
    _, explained = await app.request("GET", f"explanations/{run}")

    assert published(app) == []
    assert app.announced.kinds == ["Signalbox.Inference.Held"]
    assert [row["run"] for row in page["runs"]] == [run]
    assert (shown["outcome"], shown["because"]) == ("held", "predictions.csv is bad")
    assert (shown["held"]["waits"], shown["held"]["files"]) == (True, f"signalbox-staging/runs/{run}/output")
    assert f"signalbox release {run} --output" in explained["unmet"][1]
    assert app.hub.read("quarantine", f"judged/{run}/output-report.json")
    assert app.hub.find("landing", "judged/north/a.csv") is not None  # Its data was right, and stays.


async def test_a_released_output_is_published_once_and_the_manifest_says_so(app: InferenceApp) -> None:
    app.jobs.predict = lambda row: "bad"  # type: ignore[assignment, return-value]
    run = await app.arrive(FILE)
    await app.host.settle()
    status, _ = await app.request("POST", f"runs/{run}/release-output", WHY)
    result = await app.finish(run)
    manifest = json.loads(app.hub.read("predictions", f"judged/{run}/_manifest.json") or b"")

    assert (status, result.outcome, sum(app.jobs.created.values())) == (202, RunOutcome.COMPLETED, 1)
    assert published(app) == [f"judged/{run}/_manifest.json", f"judged/{run}/predictions.csv"]
    assert manifest["output_check"] == {
        "contract": "out",
        "report": f"signalbox/runs/{run}/output.json",
        "outcome": "released",
    }


async def test_silence_publishes_nothing(app: InferenceApp) -> None:
    app.jobs.predict = lambda row: "bad"  # type: ignore[assignment, return-value]
    run = await app.arrive(FILE)
    result = await app.finish(run)

    assert (result.outcome, published(app)) == (RunOutcome.HELD, [])
    assert "the output breaks its contract: predictions.csv is bad" in result.because
    assert app.announced.kinds == ["Signalbox.Inference.Held"]


async def test_the_release_of_data_is_none_of_the_output(app: InferenceApp) -> None:
    run = await app.arrive(FILE, b"id,x\n1,bad\n")  # The prediction repeats the row, so it is bad as well.
    await app.host.settle()
    early, _ = await app.request("POST", f"runs/{run}/release-output", WHY)
    await app.request("POST", f"runs/{run}/release", WHY)
    await app.host.settle()

    assert early == 409
    assert published(app) == []
    assert app.host.get(run).custom_status["step"] == "held"


async def test_a_good_output_is_published_with_the_report_of_its_check(app: InferenceApp) -> None:
    run = await app.arrive(FILE)

    assert (await app.finish(run)).outcome is RunOutcome.COMPLETED
    manifest = json.loads(app.hub.read("predictions", f"judged/{run}/_manifest.json") or b"")
    assert manifest["output_check"]["outcome"] == "passed"
