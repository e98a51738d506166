"""A folder like the project's, with `signalbox up` running in it: what a reader of the documents has before them."""

import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shlex import split
from typing import Any

import pytest

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import offer_example
from signalbox.launcher.endpoints import Endpoints, free_ports, read_endpoints
from tests.cli.conftest import clean_environment, run_in
from tests.documents.documented import PROJECT
from tests.trained import trained_models

_PATIENCE_S = 180.0
_PROGRAMS = ("signalbox", ".venv/bin/signalbox")
_OF_BASH = re.compile(r"[$`;&|<>\n]|signalbox up")  # `up` reacts to signals, which a process of its own receives.
# A sweep of an app with nothing to do costs half a second of processor time, and `signalbox up` makes one each 10 s.
SLOW_SWEEPS = {"SIGNALBOX_RECONCILE_SCHEDULE": "0 * * * * *", "SIGNALBOX_TICK_SCHEDULE": "0 * * * * *"}
OWN_ROUTE = """
  mine:
    take: landing/mine/{name}.csv
    score: {environment: dev, endpoint: diabetes-batch, deployment: blue, model: "diabetes-progression:1"}
    publish: predictions/mine/{run}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    code: int
    text: str


@dataclass
class Desk:
    """*names* are what placeholders of the documents stand for, found out on the way."""

    folder: Path
    announced: str
    endpoints: Endpoints
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = AppClient(self.endpoints.app, self.endpoints.function_key)

    def run(self, command: str, until_line: bool = False) -> Printed:
        """What is printed for *command*; *until_line*: Ctrl-C after its first line.

        A command of ours that needs nothing of bash runs in this process: to import it anew is most of what it costs.
        """
        words = [] if until_line or _OF_BASH.search(command) else split(command)
        if words and words[0] in _PROGRAMS:
            return self._run_here(words[1:])
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=clean_environment({"PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_allow_ctrl_c,
        )
        assert process.stdout is not None
        first = process.stdout.readline() if until_line else ""
        if until_line:
            os.killpg(process.pid, signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=_PATIENCE_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return Printed(code=process.returncode, text=first + rest)

    def _run_here(self, words: list[str]) -> Printed:
        result = run_in(self.folder, *words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Printed(code=result.exit_code, text=result.output)

    def eventually(self, look: Callable[[], Any]) -> Any:
        """What *look* gives once it is true. Raises TimeoutError."""
        deadline = time.monotonic() + _PATIENCE_S
        while not (found := look()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{look} was never true")
            time.sleep(0.2)  # noqa: TID251 - Polls with a deadline.
        return found


def _allow_ctrl_c() -> None:
    """Undo what a test run in the background hands down to its children: SIGINT is ignored there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    for name in ("signalbox.yaml", "host.json", "function_app.py", "node_modules", "examples", "Makefile"):
        (folder / name).symlink_to(PROJECT / name)
    for name in ("shared", "activities", "orchestrators", "triggers", "signalbox"):
        (folder / name).symlink_to(PROJECT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    example = (PROJECT / "signalbox.yaml").read_text()
    (folder / "mine.yaml").write_text(example.replace("\nroutes:\n", f"\nroutes:{OWN_ROUTE}", 1))
    log = folder / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "signalbox.cli", "up", "--port", str(free_ports(1)[0])],
            cwd=folder,
            env=clean_environment({"SIGNALBOX_CONFIG": "mine.yaml", **SLOW_SWEEPS}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_ready(process, log)
        endpoints = read_endpoints(folder / ".signalbox")
        assert endpoints is not None
        _offer_second_version(trained_models(tmp_path_factory), endpoints)
        yield Desk(folder=folder, announced=log.read_text(), endpoints=endpoints)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
    assert (code, log.read_text().splitlines()[-1]) == (0, "stopped")


def _await_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not re.search(r"^logs\t", log.read_text(), re.MULTILINE):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)  # noqa: TID251 - Polls with a deadline.


def _offer_second_version(models: Path, endpoints: Endpoints) -> None:
    """What docs/promotion.md promotes: a model of another recipe, registered and not flagged."""
    with warnings.catch_warnings(action="ignore"):  # The client for Azure ML is imported here for the first time.
        offer_example(endpoints, models / "blood", "2")
