"""One running local cloud for a whole test session, with the example's model deployed."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.provision import Deployable, provision
from tests.onemachine.world import World

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    subprocess.run(
        [sys.executable, str(PROJECT / "examples/diabetes/train.py"), str(folder)], check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Iterator[World]:
    code = PROJECT / "examples" / "diabetes"
    with LocalCloud(PROJECT, tmp_path_factory.mktemp("state"), time_scale=0.05) as cloud:
        provision(
            cloud.endpoints,
            Deployable(
                model="diabetes-progression",
                version="1",
                model_path=example / "model",
                code_path=code,
                scoring_script="score.py",
                environment_file=code / "environment.yaml",
                endpoint="diabetes-batch",
                deployment="blue",
            ),
        )
        with World(cloud, example) as made:
            yield made
