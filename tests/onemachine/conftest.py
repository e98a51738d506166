"""One running local cloud for all tests of this folder, with the example's model deployed; gone when they are done."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox.cli.demonstrations.example import deploy_example, train_example
from signalbox.launcher.cloud import LocalCloud
from tests.onemachine.world import World

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    train_example(PROJECT, folder)
    return folder


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Iterator[World]:
    with LocalCloud(PROJECT, tmp_path_factory.mktemp("state"), time_scale=0.05) as cloud:
        deploy_example(PROJECT, example, cloud.endpoints)
        with World(cloud, example) as made:
            yield made
