"""Duplicates, losses and kills on the real thing: effects are counted by the emulators, and each is one."""

import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from signalbox.traces.span_file import FiledSpans
from tests.amounts import amount
from tests.onemachine.world import World

# `make chaos` sets these to the full proof; what is here is its short version for every run.
STORM_FILES = int(os.environ.get("SIGNALBOX_STORM_FILES", amount(30, 60)))
KILLED_FILES = int(os.environ.get("SIGNALBOX_KILLED_FILES", amount(2, 4)))
KILLS = int(os.environ.get("SIGNALBOX_KILLS", amount(1, 2)))

# What a run does, whichever hosts did it.
WHOLE_TRACE = {"start run_inference", "run_inference", "submit_job", "wait_for_job", "job", "announce_run", "close_run"}

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]


def jobs_of(world: World, prefix: str) -> Counter[str]:
    counts = world.control("/_effects")["jobs"]
    return Counter({name: count for name, count in counts.items() if name.startswith(f"signalbox-{prefix}")})


def completed(world: World) -> set[str]:
    return {str(run["run"]) for run in world.runs("diabetes-each") if run["outcome"] == "completed"}


def test_the_same_arrival_a_hundred_times_at_once_and_a_hundred_times_later(world: World) -> None:
    place = "landing/diabetes/each/storm/a.csv"
    before = {str(r["run"]) for r in world.runs("diabetes-each")}
    world.land(place, 1)
    event = world.eventually(lambda: world.event_of(place))
    world.control("/_deliver", {"event": event, "times": 99})
    run = world.eventually(lambda: completed(world) - before).pop()
    world.control("/_deliver", {"event": event, "times": 100})

    world.eventually(lambda: len(world.app.get(f"runs/{run}")["duplicates"]) == 199)
    assert len(world.runs("diabetes-each")) == len(before) + 1
    assert jobs_of(world, run) == {f"signalbox-{run}": 1}
    assert len(world.manifests("diabetes-progression/1/storm/")) == 1
    assert world.control("/_effects")["events"][f"{run}-completed"] == 1


@pytest.mark.long
@pytest.mark.chaos
def test_a_window_over_a_storm_of_files_with_a_third_of_the_events_bad(world: World) -> None:
    count = STORM_FILES
    world.control("/_faults", {"duplicate": 0.17, "drop": 0.16, "shuffle": True, "seed": 4})
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: world.land(f"landing/diabetes/window/storm/{n:04d}.csv", n), range(count)))
    finally:
        world.control("/_faults", {})

    def accounted() -> bool:
        return (
            sum(
                len(m["arrivals"])
                for m in world.manifests("diabetes-progression/1/storm/")
                if m["route"] == "diabetes-window"
            )
            >= count
        )

    world.eventually(accounted, within=240)
    manifests = [m for m in world.manifests("diabetes-progression/1/storm/") if m["route"] == "diabetes-window"]
    arrivals = Counter(arrival["path"] for manifest in manifests for arrival in manifest["arrivals"])
    assert len(arrivals) == count
    assert set(arrivals.values()) == {1}
    assert sum(manifest["rows"]["out"] for manifest in manifests) == count
    assert len(manifests) <= 10
    assert set(jobs_of(world, "diabetes-window").values()) == {1}


@pytest.mark.long
@pytest.mark.chaos
def test_a_host_killed_at_random_moments_completes_every_file_once(world: World) -> None:
    files, kills, chance = KILLED_FILES, KILLS, random.Random(11)
    for number in range(files):
        world.land(f"landing/diabetes/each/killed/{number}.csv", number)
    for _ in range(kills):
        wait = chance.uniform(0.1, 1.5)
        with pytest.raises(TimeoutError):
            world.eventually(lambda: False, within=wait)
        world.cloud.kill_host()
        world.cloud.start_host()

    world.eventually(lambda: len(world.manifests("diabetes-progression/1/killed/")) == files, within=240)
    manifests = world.manifests("diabetes-progression/1/killed/")
    effects = world.control("/_effects")
    for manifest in manifests:
        world.eventually(lambda run=manifest["run"]: world.app.get(f"runs/{run}").get("outcome") == "completed")
        assert effects["jobs"][manifest["scored_by"]["job_name"]] == 1
        assert world.control("/_effects")["events"][f"{manifest['run']}-completed"] >= 1
    assert len({manifest["arrivals"][0]["path"] for manifest in manifests}) == files
    spans = world.cloud.state / "spans.db"
    for manifest in manifests:  # One trace each, over all hosts that had a part in it.
        # The workflow's own span is written after its record is closed.
        world.eventually(lambda run=manifest["run"]: _span_names(spans, run) >= WHOLE_TRACE)


def _span_names(spans: Path, run: str) -> set[str]:
    trace = FiledSpans(spans).newest(run)
    return {span.name for span in trace.spans} if trace else set()
