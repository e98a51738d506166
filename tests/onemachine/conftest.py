"""One running local cloud for all tests of this folder, with the example's model deployed; gone when they are done."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import deploy_example
from signalbox.cli.demonstrations.stage import Stage, Timeline
from signalbox.launcher.hub import hub_client
from tests.onemachine.world import World
from tests.trained import trained_models
from tests.warm_clouds import WarmCloud

PROJECT = Path(__file__).parents[2]
# A sweep of an app with nothing to do costs half a second of processor time, which the local cloud spends each 10 s.
CALM = {"SIGNALBOX_RECONCILE_SCHEDULE": "*/30 * * * * *", "SIGNALBOX_TICK_SCHEDULE": "0 * * * * *"}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's models, a folder for each recipe."""
    return trained_models(tmp_path_factory)


@pytest.fixture(scope="session")
def example(models: Path) -> Path:
    return models / "ward"


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Iterator[World]:
    with WarmCloud(PROJECT, tmp_path_factory.mktemp("state"), time_scale=0.05, settings=CALM) as cloud:
        deploy_example(PROJECT, example, cloud.endpoints)
        with World(cloud, example) as made:
            yield made


@pytest.fixture(scope="package")
def stage(world: World, example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """For scenes of the demonstrations, which write beside what was trained."""
    ends, folder = world.cloud.endpoints, tmp_path_factory.mktemp("stage") / "example"
    shutil.copytree(example, folder)
    app = AppClient(ends.app, ends.function_key)
    with hub_client(ends) as hub:
        yield Stage(
            cloud=world.cloud,
            app=app,
            hub=hub,
            line=Timeline(),
            folder=folder,
            project=PROJECT,
            patience_s=300.0,  # Its host may be killed a dozen times on the way.
        )
