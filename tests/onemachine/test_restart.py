"""The local cloud keeps its state: what was registered, landed and done before a stop is there after a start."""

from pathlib import Path

import pytest

from signalbox.cli.example import deploy_example
from signalbox.launcher.cloud import LocalCloud, StartError
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

PROJECT = Path(__file__).parents[2]
PLACE = "landing/diabetes/each/restart/a.csv"


def completed(world: World) -> list[str]:
    return [run["run"] for run in world.runs("diabetes-each") if run["outcome"] == "completed"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_job_and_a_run_interrupted_by_a_stop_or_a_kill_go_on_after_the_next_start(
    tmp_path: Path, example: Path, killed: bool
) -> None:
    with LocalCloud(PROJECT, tmp_path) as cloud, World(cloud, example) as world:
        deploy_example(PROJECT, example, cloud.endpoints)
        world.land(PLACE, 1)
        run = world.eventually(lambda: world.runs("diabetes-each"))[0]["run"]
        world.eventually(lambda: world.control("/_effects")["jobs"])
        if killed:
            cloud.kill_emulators()

    with LocalCloud(PROJECT, tmp_path) as again, World(again, example) as world:
        assert again.endpoints == cloud.endpoints
        assert world.eventually(lambda: completed(world)) == [run]
        assert world.control("/_effects")["jobs"] == {f"signalbox-{run}": 1}
        assert len(world.manifests("diabetes-progression/1/restart/")) == 1


def test_a_folder_without_an_app_and_a_taken_port_are_refused_plainly(tmp_path: Path, world: World) -> None:
    with pytest.raises(StartError, match="Azurite is not installed"):
        LocalCloud(tmp_path, tmp_path / "state").start()
    with pytest.raises(StartError, match="is taken; choose another with --port"):
        LocalCloud(PROJECT, tmp_path / "state", host_port=world.cloud.endpoints.host).start()
