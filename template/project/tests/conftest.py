"""The trained model, once for all tests, and a local cloud that serves this project."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from train import train

PROJECT = Path(__file__).parents[1]
PATIENCE_S = 300
START_S = 900  # The first start on a machine has npm install the storage emulator, which the network may make slow.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALBOX_")} | {
    "SIGNALBOX_CONFIG": str(PROJECT / "signalbox.yaml")
}


def signalbox(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What `signalbox` *words* prints in *folder*, about this project."""
    return run(folder, "-m", "signalbox.cli", *words)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What `python` *words* prints in *folder*, about this project."""
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a training writes."""
    folder = tmp_path_factory.mktemp("trained") / "build"
    train(folder)
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running local cloud, which serves this project."""
    folder = tmp_path_factory.mktemp("cloud")
    log = folder / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "signalbox.cli", "up", "--port", "0"],
            cwd=folder,
            env=ENVIRONMENT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_S
        while "\nlogs\t" not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the local cloud did not start within {START_S} s; it said:\n{log.read_text()}")
            time.sleep(0.2)
        yield folder
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.fixture(scope="session")
def cloud(home: Path) -> Callable[..., str]:
    """Run a command on the local cloud, which must succeed; returns what it prints."""

    def command(*words: str) -> str:
        process = signalbox(home, *words)
        printed = f"{process.stdout[-3000:]}\n{process.stderr}"
        assert process.returncode == 0, f"signalbox {' '.join(words)} ended with {process.returncode}:\n{printed}"
        return process.stdout

    return command
