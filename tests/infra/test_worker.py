"""Microsoft's own worker library runs the package as it is deployed, behind our host: `make proof-worker`.

The scenes are those of the demonstrations, which check what they tell: a file that is scored, messages that are
answered, a promotion up to production. The app calls real clients of the local cloud.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from activities.blueprint import BODIES, STARTING_BODIES
from orchestrators.blueprint import BODIES as ORCHESTRATIONS
from signalbox.cli.app_client import AppClient
from signalbox.cli.commands.project.package import package
from signalbox.cli.demonstrations.example import deploy_example
from signalbox.cli.demonstrations.inference import tell_inference
from signalbox.cli.demonstrations.messaging import tell_messaging
from signalbox.cli.demonstrations.promotion import tell_promotion
from signalbox.cli.demonstrations.stage import Stage, Timeline
from signalbox.launcher.hub import hub_client
from signalbox.projects.libraries import HEAVIEST_PACKAGE, LIBRARIES, weigh
from tests.trained import trained_models
from tests.warm_clouds import WarmServices
from triggers.http.routes import ROUTES
from triggers.queues.bindings import QUEUE_FUNCTIONS

PROJECT = Path(__file__).parents[2]
PYTHON = os.environ.get("SIGNALBOX_WORKER_PYTHON", "")
KINDS = {
    "activityTrigger": len(BODIES) + len(STARTING_BODIES),
    "orchestrationTrigger": len(ORCHESTRATIONS),
    "serviceBusTrigger": len(QUEUE_FUNCTIONS),
    "httpTrigger": len(ROUTES) + len(("home", "pages")),  # The console has two functions.
}

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not PYTHON, reason="SIGNALBOX_WORKER_PYTHON names no Python 3.13 with azure-functions-runtime"),
]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is deployed, with its libraries."""
    folder = tmp_path_factory.mktemp("package") / "app"
    arguments = ["--out", str(folder), "--config", str(PROJECT / "signalbox.yaml"), "--app", str(PROJECT)]
    done = CliRunner().invoke(package, [*arguments, "--python", PYTHON])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def stage(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A local cloud whose host runs the package in the library."""
    folder = tmp_path_factory.mktemp("stage") / "example"
    shutil.copytree(trained_models(tmp_path_factory) / "ward", folder)
    cloud = WarmServices(PROJECT, tmp_path_factory.mktemp("state"), time_scale=0.05)
    cloud.start_services()
    try:
        deploy_example(PROJECT, folder, cloud.endpoints)
        cloud.start_host(packaged, {"SIGNALBOX_WORKER_PYTHON": PYTHON})
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        with hub_client(cloud.endpoints) as hub:
            yield Stage(cloud=cloud, app=app, hub=hub, line=Timeline(), folder=folder, project=PROJECT)
    finally:
        cloud.stop()


def test_the_package_is_no_heavier_than_agreed(packaged: Path) -> None:
    assert weigh(packaged) <= HEAVIEST_PACKAGE


def test_every_function_is_loaded_with_the_packages_own_libraries(packaged: Path, stage: Stage) -> None:
    log = (stage.cloud.state / "logs" / "host.log").read_text()
    assert f"azure.functions of {packaged / LIBRARIES}" in log
    for kind, count in KINDS.items():
        assert log.count(f"trigger={kind}\n") == count, kind


def test_a_file_is_scored_once_and_a_bad_one_is_released(stage: Stage) -> None:
    tell_inference(stage)


def test_messages_are_answered_and_streamed_records_come_once(stage: Stage) -> None:
    tell_messaging(stage)


def test_a_version_is_promoted(stage: Stage) -> None:
    tell_promotion(stage)
