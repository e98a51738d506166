"""A route has the accepted input of its runs registered as versions of a data asset; no prediction waits for it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.domain.inference.routes import Group, Grouping, Window
from shared.domain.inference.runs import RunOutcome
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import FakeClients
from tests.fakes.retraining import MemoryDataAssets
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp, a_route
from tests.inference.test_quarantine import WHY
from tests.outages import DOWN, Outage

FILE = "landing/each/north/a.csv"
BAD = b"id,x\n1,bad\n"
STAGING = "signalbox-staging"
ROUTES = (
    a_route("each", input_asset="ward-reports"),
    a_route(
        "window",
        Group(kind=Grouping.WINDOW, window=Window(quiet_s=10, longest_s=60, files=5)),
        input_asset="ward-reports",
    ),
)


class AssetApp(InferenceApp):
    """The app whose routes register what their runs score."""

    @property
    def data_assets(self) -> MemoryDataAssets:
        return self.clients.data_assets  # type: ignore[return-value]

    @property
    def assets(self) -> dict[str, dict[str, Any]]:
        return self.data_assets.registered

    def files(self, name: str) -> dict[str, bytes | None]:
        """By its name, each file of the asset ENVIRONMENT/NAME:VERSION."""
        folder = self.assets[name]["folder"].partition("/paths/")[2]
        blobs = self.hub.list(STAGING, f"{folder}/")
        return {blob.path.rpartition("/")[2]: self.hub.read(STAGING, blob.path) for blob in blobs}

    def manifest(self, run: str) -> dict[str, Any]:
        location = self.record(run)["manifest"]
        return dict(json.loads(self.hub.read(*location.split("/", 1)) or b""))


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweeps: str) -> AsyncIterator[AssetApp]:
    clock = VirtualClock()
    clients = FakeClients(replace(CONFIGURATION, routes=ROUTES), clock.now)
    vars(clients)["data_assets"] = MemoryDataAssets()
    async with hosted(clients, clock, tmp_path, monkeypatch, sweeps=sweeps) as host:
        yield AssetApp(host=host, clients=clients)


def version_of(run: str) -> str:
    return "-".join(run.split("-")[-2:])


async def test_what_a_run_scores_is_a_version_that_outlives_the_run(app: AssetApp) -> None:
    run = await app.arrive(FILE)
    await app.finish(run)
    asset = f"ward-reports:{version_of(run)}"
    for folder in (f"runs/{run}/", "each/north/"):  # As the lifecycle rule, and the sender, remove them.
        for container in (STAGING, "landing"):
            for blob in list(app.hub.list(container, folder)):
                app.hub.delete(container, blob.path)

    assert list(app.assets) == [f"dev/{asset}"]
    assert app.assets[f"dev/{asset}"]["tags"] == {
        "signalbox.run": run,
        "signalbox.route": "each",
        "signalbox.files": "1",
    }
    assert app.files(f"dev/{asset}") == {"00000-a.csv": b"id,x\n1,2\n3,4\n"}
    expected = {"environment": "dev", "asset": asset, "because": ""}
    assert app.manifest(run)["input_asset"] == expected
    _, shown = await app.request("GET", f"runs/{run}")
    assert shown["input_asset"] == expected
    assert "registered" in [step["step"] for step in shown["steps"]]


async def test_the_files_of_a_window_are_one_version(app: AssetApp) -> None:
    for name in ("a", "b"):
        await app.tell(app.land(f"landing/window/s1/{name}.csv"), name)
    await app.pass_time(60)

    [name] = app.assets
    assert sorted(app.files(name)) == ["00000-a.csv", "00001-b.csv"]


async def test_a_lost_record_of_a_registration_makes_no_second_version(app: AssetApp) -> None:
    """The host dies after the version was made and before the ledger has it."""
    is_first = iter([True])
    lost = Outage(app.clients.ledger, "record", lambda key, *_: key.endswith("/registered") and next(is_first, False))
    with lost:
        run = await app.arrive(FILE)
        result = await app.finish(run)

    assert (len(lost.refused), result.outcome) == (1, RunOutcome.COMPLETED)
    assert list(app.assets) == [f"dev/ward-reports:{version_of(run)}"]
    assert len(app.files(f"dev/ward-reports:{version_of(run)}")) == 1


async def test_data_that_is_set_aside_is_registered_once_it_is_released(app: AssetApp) -> None:
    run = await app.arrive(FILE, BAD)
    await app.host.settle()
    assert app.assets == {}

    await app.request("POST", f"runs/{run}/release", WHY)
    await app.finish(run)

    assert list(app.assets) == [f"dev/ward-reports:{version_of(run)}"]


async def test_a_refusal_loses_no_prediction_and_is_named(app: AssetApp) -> None:
    run = app.run_of(app.land(FILE))
    app.assets[f"dev/ward-reports:{version_of(run)}"] = {"folder": "elsewhere", "tags": {}}
    blob = app.hub.find(*FILE.split("/", 1))
    assert blob is not None
    await app.tell(blob)

    result = await app.finish(run)

    assert result.outcome is RunOutcome.COMPLETED
    assert app.manifest(run)["input_asset"] == {
        "environment": "dev",
        "asset": "",
        "because": f"data ward-reports:{version_of(run)} of dev is another",
    }


async def test_an_outage_that_ends_before_the_job_does_delays_only_the_registration(app: AssetApp) -> None:
    app.jobs.status_after = lambda looks: "Running" if looks < 5 else "Completed"
    tries = iter([True] * 6)
    with Outage(app.data_assets, "register", lambda *_: next(tries, False)) as outage:
        run = await app.arrive(FILE)
        await app.finish(run)

    assert len(outage.refused) == 6
    assert app.manifest(run)["input_asset"]["asset"] == f"ward-reports:{version_of(run)}"


async def test_an_outage_that_lasts_is_named_and_the_next_attempt_registers(app: AssetApp) -> None:
    with Outage(app.data_assets, "register"):
        run = await app.arrive(FILE)
        result = await app.finish(run)
    because = app.manifest(run)["input_asset"]["because"]
    _, accepted = await app.request("POST", f"runs/{run}/reprocess", WHY)
    await app.finish(accepted["id"])

    assert result.outcome is RunOutcome.COMPLETED
    assert because == f"register: {DOWN}; reprocess the run to try again"
    assert list(app.assets) == [f"dev/ward-reports:{version_of(accepted['id'])}"]


async def test_another_attempt_at_the_same_files_makes_no_other_version(app: AssetApp) -> None:
    run = await app.arrive(FILE)
    await app.finish(run)
    _, accepted = await app.request("POST", f"runs/{run}/reprocess", WHY)
    await app.finish(accepted["id"])

    assert list(app.assets) == [f"dev/ward-reports:{version_of(run)}"]
    assert app.manifest(accepted["id"])["input_asset"]["asset"] == f"ward-reports:{version_of(run)}"

    other = replace(ROUTES[0], input_asset="wards")
    vars(app.clients)["configuration"] = replace(app.clients.configuration, routes=(other,))
    _, third = await app.request("POST", f"runs/{accepted['id']}/reprocess", WHY)
    await app.finish(third["id"])
    assert f"dev/wards:{version_of(third['id'])}" in app.assets


async def test_the_input_of_a_failed_job_is_registered_too(app: AssetApp) -> None:
    app.jobs.status_after = lambda looks: "Failed"
    run = await app.arrive(FILE)

    assert (await app.finish(run)).outcome is RunOutcome.FAILED
    assert list(app.assets) == [f"dev/ward-reports:{version_of(run)}"]


async def test_a_pinned_file_that_is_gone_is_named_and_no_part_is_registered(
    app: AssetApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = app.hub.copy
    monkeypatch.setattr(app.hub, "copy", lambda *a: "arrivals/" not in a[2] and copy(*a))
    run = await app.arrive(FILE)
    result = await app.finish(run)

    assert (result.outcome, app.assets) == (RunOutcome.COMPLETED, {})
    assert "is gone from staging" in app.manifest(run)["input_asset"]["because"]


async def test_a_route_that_asks_for_none_registers_none(app: AssetApp) -> None:
    plain = replace(ROUTES[0], input_asset="")
    vars(app.clients)["configuration"] = replace(app.clients.configuration, routes=(plain,))
    with Outage(app.data_assets, "register", because="never asked") as outage:
        run = await app.arrive(FILE)
        await app.finish(run)

    assert outage.refused == []
    assert "input_asset" not in app.manifest(run)
