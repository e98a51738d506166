"""`signalbox` as a person runs it: in this process against the product with fakes, or as a process of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY
from tests.inference.conftest import InferenceApp, app, sweeps  # noqa: F401 (fixtures)

PROJECT = Path(__file__).parents[2]


async def run(app: InferenceApp, *words: str) -> Result:  # noqa: F811
    """What `signalbox` *words* prints about the running *product*."""
    runner = CliRunner(env={"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY})
    return await asyncio.to_thread(runner.invoke, main, [*words])


def shell(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`signalbox` *words* as a process in *folder*, with nothing but *environment* said about where the app is."""
    return subprocess.run(
        [sys.executable, "-m", "signalbox.cli", *words],
        cwd=folder,
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run_in(folder: Path, *words: str, **environment: str) -> Result:
    """The same in this process, where the process is not what is tested: to start one costs half a second."""
    without = {name: None for name in os.environ if name.startswith("SIGNALBOX")}
    runner = CliRunner(env={**without, "SIGNALBOX_TOKEN_AUDIENCE": "an-app", **environment})
    with chdir(folder):
        return runner.invoke(main, [*words], prog_name="signalbox")


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """This process' environment with *environment* as all that it says to Signalbox."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX")}
    return {**inherited, "PYTHONPATH": str(PROJECT), "SIGNALBOX_TOKEN_AUDIENCE": "an-app", **environment}


@pytest.fixture
def no_az(tmp_path: Path) -> str:
    """A PATH without the Azure CLI."""
    folder = tmp_path / "empty-bin"
    folder.mkdir()
    return str(folder)
