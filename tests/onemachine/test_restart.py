"""The local cloud keeps its state: what was registered, landed and done before a stop is there after a start."""

import json
from pathlib import Path
from typing import Any

import pytest

from signalbox.cli.demonstrations.example import deploy_example
from signalbox.launcher.cloud import LocalCloud, StartError
from tests.emulators.services import events_of
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

PROJECT = Path(__file__).parents[2]


def completed(world: World) -> list[str]:
    return [run["run"] for run in world.runs("diabetes-each") if run["outcome"] == "completed"]


def begun(world: World, place: str) -> str:
    """The run of a file that lands, once its job has been submitted."""
    known = {run["run"] for run in world.runs("diabetes-each")}
    world.land(place, 1)
    found = world.eventually(lambda: [r["run"] for r in world.runs("diabetes-each") if r["run"] not in known])
    world.eventually(lambda: f"signalbox-{found[0]}" in world.control("/_effects")["jobs"])
    return str(found[0])


def finished(world: World, run: str) -> bool:
    world.eventually(lambda: run in completed(world))
    return bool(world.control("/_effects")["jobs"][f"signalbox-{run}"] == 1)


def lasting_settings(state: Path) -> dict[str, Any]:
    """Keys, ports and names, which outlive a stop; what `signalbox env` hands out is fresh at each start."""
    settings = json.loads((state / "emulators.json").read_text())
    return {name: value for name, value in settings.items() if name not in ("clients", "public_names")}


def test_a_job_that_the_stop_of_the_whole_cloud_interrupts_ends_once_after_the_next_start(world: World) -> None:
    """The short form of the proof below, with one stop, on the cloud of the other tests."""
    settings = lasting_settings(world.cloud.state)
    run = begun(world, "landing/diabetes/each/again/a.csv")

    world.cloud.stop()
    world.cloud.start()

    assert lasting_settings(world.cloud.state) == settings
    assert finished(world, run)
    assert len(world.manifests("diabetes-progression/1/again/")) == 1
    assert len(events_of(world.cloud.endpoints, "landing", "diabetes/each/again/a.csv")) == 1


@pytest.mark.proof
def test_jobs_and_runs_interrupted_by_a_stop_and_by_a_kill_go_on_after_the_next_start(
    tmp_path: Path, example: Path
) -> None:
    with LocalCloud(PROJECT, tmp_path) as cloud, World(cloud, example) as world:
        deploy_example(PROJECT, example, cloud.endpoints)
        stopped, settings = begun(world, "landing/diabetes/each/restart/a.csv"), lasting_settings(tmp_path)

    with LocalCloud(PROJECT, tmp_path) as again, World(again, example) as world:
        assert (again.endpoints, lasting_settings(tmp_path)) == (cloud.endpoints, settings)
        assert finished(world, stopped)
        killed = begun(world, "landing/diabetes/each/restart/b.csv")
        again.kill_emulators()

    with LocalCloud(PROJECT, tmp_path) as last, World(last, example) as world:
        assert finished(world, killed)
        assert sorted(completed(world)) == sorted([stopped, killed])
        assert len(world.manifests("diabetes-progression/1/restart/")) == 2
        events = [events_of(last.endpoints, "landing", f"diabetes/each/restart/{name}.csv") for name in "ab"]
        assert events[0][0]["data"]["sequencer"] < events[1][0]["data"]["sequencer"]


def test_a_folder_without_an_app_and_a_taken_port_are_refused_plainly(tmp_path: Path, world: World) -> None:
    with pytest.raises(StartError, match=r"has no function_app\.py"):
        LocalCloud(tmp_path, tmp_path / "state").start()
    with pytest.raises(StartError, match="is taken; choose another with --port"):
        LocalCloud(PROJECT, tmp_path / "state", host_port=world.cloud.endpoints.host).start()
