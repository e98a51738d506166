"""Markers, manifests and windows: which files a run is about, whatever the events did."""

import json
import random
from dataclasses import replace

import pytest

from shared.domain import identity
from shared.domain.inference.routes import Marker
from shared.domain.inference.runs import RunOutcome
from tests.inference.conftest import CONFIGURATION, InferenceApp

PATIENT = Marker(name="*.manifest.json", manifest=True, wait_s=86400)


def runs(app: InferenceApp) -> list[str]:
    return [blob.path.split("/")[1] for blob in app.hub.list("signalbox", "runs/") if blob.path.endswith("/run.json")]


def scored(app: InferenceApp) -> list[str]:
    """The path of every file that any run pinned, with repeats."""
    return [
        member["path"]
        for run in runs(app)
        for member in json.loads(app.hub.read("signalbox", f"runs/{run}/members.json") or b"[]")
    ]


async def test_a_marker_starts_one_run_over_its_folder(app: InferenceApp) -> None:
    for name in ("a", "b"):
        await app.tell(app.land(f"landing/success/s1/{name}.csv"), f"member {name}")
    app.land("landing/success/s2/other.csv")
    marker = app.land("landing/success/s1/_SUCCESS", b"")
    await app.tell(marker)

    result = await app.finish(app.run_of(marker))

    assert result.outcome is RunOutcome.COMPLETED
    assert scored(app) == ["success/s1/a.csv", "success/s1/b.csv"]


async def test_a_manifest_waits_for_the_files_it_names(app: InferenceApp) -> None:
    app.land("landing/listed/s1/a.csv")
    manifest = app.land("landing/listed/s1/night.manifest.json", json.dumps({"files": ["a.csv", "b.csv"]}).encode())
    await app.tell(manifest)
    await app.pass_time(12)
    app.land("landing/listed/s1/b.csv")

    result = await app.finish(app.run_of(manifest))

    assert result.outcome is RunOutcome.COMPLETED
    assert scored(app) == ["listed/s1/a.csv", "listed/s1/b.csv"]


async def test_a_manifest_whose_files_never_come_fails_and_names_them(app: InferenceApp) -> None:
    manifest = app.land("landing/listed/s1/night.manifest.json", b'{"files": ["a.csv"]}')
    await app.tell(manifest)

    result = await app.finish(app.run_of(manifest))

    assert result.outcome is RunOutcome.FAILED
    assert "listed/s1/a.csv" in result.because


@pytest.mark.parametrize("sweeps", ["0 0 0 1 1 *"])
async def test_a_manifest_that_waits_for_a_day_is_looked_at_a_hundred_times(app: InferenceApp) -> None:
    routes = [replace(each, group=replace(each.group, marker=PATIENT)) for each in CONFIGURATION.routes]
    vars(app.clients)["configuration"] = replace(CONFIGURATION, routes=(routes[3],))
    manifest = app.land("landing/listed/s1/night.manifest.json", b'{"files": ["a.csv"]}')
    await app.tell(manifest)
    run = app.run_of(manifest)

    assert (await app.finish(run)).outcome is RunOutcome.FAILED
    assert app.events(run) < 1000


async def test_a_manifest_that_is_no_manifest_is_refused_without_retries(app: InferenceApp) -> None:
    manifest = app.land("landing/listed/s1/night.manifest.json", b'["a.csv"]')
    await app.tell(manifest)

    result = await app.finish(app.run_of(manifest))

    assert result.outcome is RunOutcome.FAILED
    assert "manifest landing/listed/s1/night.manifest.json" in result.because


async def test_a_window_closes_when_it_is_quiet_and_makes_one_run(app: InferenceApp) -> None:
    for name in ("a", "b", "c"):
        await app.tell(app.land(f"landing/window/s1/{name}.csv"), name)
        await app.pass_time(5)
    await app.pass_time(30)

    assert len(runs(app)) == 1
    assert scored(app) == ["window/s1/a.csv", "window/s1/b.csv", "window/s1/c.csv"]
    window = identity.window_id("window", {"site": "s1"})
    assert app.host.get(window).status == "Completed"


async def test_a_full_window_closes_at_once_and_sites_do_not_mix(app: InferenceApp) -> None:
    for number in range(7):
        await app.tell(app.land(f"landing/window/s{number % 2}/{number}.csv"), str(number))
    for number in range(7, 12):
        await app.tell(app.land(f"landing/window/s1/{number}.csv"), str(number))
    await app.pass_time(90)

    assert sorted(scored(app)) == sorted(f"window/s{n % 2 if n < 7 else 1}/{n}.csv" for n in range(12))
    assert sum(app.jobs.created.values()) == len(runs(app)) == 3


async def test_lost_repeated_and_shuffled_events_neither_lose_nor_repeat_a_file(app: InferenceApp) -> None:
    chance = random.Random(7)
    blobs = [app.land(f"landing/window/s1/{number:03d}.csv") for number in range(30)]
    delivered = [blob for blob in blobs for _ in range(chance.choice((0, 1, 2)))]
    chance.shuffle(delivered)
    for number, blob in enumerate(delivered):
        await app.tell(blob, str(number))
    await app.pass_time(900)

    assert sorted(scored(app)) == [f"window/s1/{number:03d}.csv" for number in range(30)]
    assert sum(app.jobs.created.values()) <= 10


async def test_a_file_whose_event_was_lost_is_found_by_the_sweep(app: InferenceApp) -> None:
    blob = app.land("landing/each/north/a.csv")
    marker = app.land("landing/success/s1/_SUCCESS", b"")
    app.land("landing/success/s1/a.csv")
    await app.pass_time(900)

    assert sorted(runs(app)) == sorted([app.run_of(blob), app.run_of(marker)])
    assert sorted(scored(app)) == ["each/north/a.csv", "success/s1/a.csv"]
