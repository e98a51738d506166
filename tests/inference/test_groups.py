"""Markers, manifests and windows: which files a run is about, whatever the events did."""

import json
import random
from dataclasses import replace

import pytest

from shared.domain import identity
from shared.domain.inference.routes import Marker
from shared.domain.inference.runs import RunOutcome
from tests.inference.conftest import CONFIGURATION, Product

PATIENT = Marker(name="*.manifest.json", manifest=True, wait_s=86400)


def runs(product: Product) -> list[str]:
    return [
        blob.path.split("/")[1] for blob in product.hub.list("signalbox", "runs/") if blob.path.endswith("/run.json")
    ]


def scored(product: Product) -> list[str]:
    """The path of every file that any run pinned, with repeats."""
    return [
        member["path"]
        for run in runs(product)
        for member in json.loads(product.hub.read("signalbox", f"runs/{run}/members.json") or b"[]")
    ]


async def test_a_marker_starts_one_run_over_its_folder(product: Product) -> None:
    for name in ("a", "b"):
        await product.tell(product.land(f"landing/success/s1/{name}.csv"), f"member {name}")
    product.land("landing/success/s2/other.csv")
    marker = product.land("landing/success/s1/_SUCCESS", b"")
    await product.tell(marker)

    result = await product.finish(product.run_of(marker))

    assert result.outcome is RunOutcome.COMPLETED
    assert scored(product) == ["success/s1/a.csv", "success/s1/b.csv"]


async def test_a_manifest_waits_for_the_files_it_names(product: Product) -> None:
    product.land("landing/listed/s1/a.csv")
    manifest = product.land("landing/listed/s1/night.manifest.json", json.dumps({"files": ["a.csv", "b.csv"]}).encode())
    await product.tell(manifest)
    await product.pass_time(12)
    product.land("landing/listed/s1/b.csv")

    result = await product.finish(product.run_of(manifest))

    assert result.outcome is RunOutcome.COMPLETED
    assert scored(product) == ["listed/s1/a.csv", "listed/s1/b.csv"]


async def test_a_manifest_whose_files_never_come_fails_and_names_them(product: Product) -> None:
    manifest = product.land("landing/listed/s1/night.manifest.json", b'{"files": ["a.csv"]}')
    await product.tell(manifest)

    result = await product.finish(product.run_of(manifest))

    assert result.outcome is RunOutcome.FAILED
    assert "listed/s1/a.csv" in result.because


@pytest.mark.parametrize("sweeps", ["0 0 0 1 1 *"])
async def test_a_manifest_that_waits_for_a_day_is_looked_at_a_hundred_times(product: Product) -> None:
    routes = [replace(each, group=replace(each.group, marker=PATIENT)) for each in CONFIGURATION.routes]
    vars(product.clients)["configuration"] = replace(CONFIGURATION, routes=(routes[3],))
    manifest = product.land("landing/listed/s1/night.manifest.json", b'{"files": ["a.csv"]}')
    await product.tell(manifest)
    run = product.run_of(manifest)

    assert (await product.finish(run)).outcome is RunOutcome.FAILED
    assert product.events(run) < 1000


async def test_a_manifest_that_is_no_manifest_is_refused_without_retries(product: Product) -> None:
    manifest = product.land("landing/listed/s1/night.manifest.json", b'["a.csv"]')
    await product.tell(manifest)

    result = await product.finish(product.run_of(manifest))

    assert result.outcome is RunOutcome.FAILED
    assert "manifest landing/listed/s1/night.manifest.json" in result.because


async def test_a_window_closes_when_it_is_quiet_and_makes_one_run(product: Product) -> None:
    for name in ("a", "b", "c"):
        await product.tell(product.land(f"landing/window/s1/{name}.csv"), name)
        await product.pass_time(5)
    await product.pass_time(30)

    assert len(runs(product)) == 1
    assert scored(product) == ["window/s1/a.csv", "window/s1/b.csv", "window/s1/c.csv"]
    window = identity.window_id("window", {"site": "s1"})
    assert product.host.get(window).status == "Completed"


async def test_a_full_window_closes_at_once_and_sites_do_not_mix(product: Product) -> None:
    for number in range(7):
        await product.tell(product.land(f"landing/window/s{number % 2}/{number}.csv"), str(number))
    for number in range(7, 12):
        await product.tell(product.land(f"landing/window/s1/{number}.csv"), str(number))
    await product.pass_time(90)

    assert sorted(scored(product)) == sorted(f"window/s{n % 2 if n < 7 else 1}/{n}.csv" for n in range(12))
    assert sum(product.jobs.created.values()) == len(runs(product)) == 3


async def test_lost_repeated_and_shuffled_events_neither_lose_nor_repeat_a_file(product: Product) -> None:
    chance = random.Random(7)
    blobs = [product.land(f"landing/window/s1/{number:03d}.csv") for number in range(30)]
    delivered = [blob for blob in blobs for _ in range(chance.choice((0, 1, 2)))]
    chance.shuffle(delivered)
    for number, blob in enumerate(delivered):
        await product.tell(blob, str(number))
    await product.pass_time(900)

    assert sorted(scored(product)) == [f"window/s1/{number:03d}.csv" for number in range(30)]
    assert sum(product.jobs.created.values()) <= 10


async def test_a_file_whose_event_was_lost_is_found_by_the_sweep(product: Product) -> None:
    blob = product.land("landing/each/north/a.csv")
    marker = product.land("landing/success/s1/_SUCCESS", b"")
    product.land("landing/success/s1/a.csv")
    await product.pass_time(900)

    assert sorted(runs(product)) == sorted([product.run_of(blob), product.run_of(marker)])
    assert sorted(scored(product)) == ["each/north/a.csv", "success/s1/a.csv"]
