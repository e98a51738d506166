"""A local cloud whose hosts are forks of a process that has imported the libraries of the app.

Many tests kill the host and start it again, and to import the vendors' libraries is most of what a host does at first.
A fork remembers nothing else. `test_restart`, `test_faults` and the documents start hosts as a person does.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from signalbox.host.command import host
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.processes import Child
from signalbox.lifeline import die_with_parent

_FORKS = multiprocessing.get_context("forkserver")
# Coverage saves what it has counted when a process ends by itself, which a fork does not.
_COVERAGE = "COVERAGE_PROCESS_CONFIG" in os.environ or "COVERAGE_PROCESS_START" in os.environ


class WarmCloud(LocalCloud):
    def _child(self, name: str, command: list[str], environment: Mapping[str, str]) -> Child:
        if name != "host" or _COVERAGE:
            return super()._child(name, command, environment)
        log = self.state / "logs" / f"{name}.log"
        return _ForkedHost(log, {**os.environ, **environment}, self.app, command[3:])


class _ForkedHost(Child):
    def __init__(self, log: Path, environment: Mapping[str, str], folder: Path, arguments: Sequence[str]) -> None:
        self.name, self.log = "host", log
        _FORKS.set_forkserver_preload(["tests.onemachine.warm_libraries"])
        forkserver.ensure_running()
        process = _FORKS.Process(target=_serve, args=(log, dict(environment), folder, list(arguments)))
        process.start()
        self._process = _Forked(process)


class _Forked:
    """The part of a Popen that a `Child` uses."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process, self.pid = process, process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("the host", timeout or 0.0)
        return self._process.exitcode


def _serve(log: Path, environment: Mapping[str, str], folder: Path, arguments: list[str]) -> None:
    """In the fork: what a process that is started has of its own, then the host."""
    os.setsid()
    die_with_parent()
    log.parent.mkdir(parents=True, exist_ok=True)
    output, nothing = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), os.open(os.devnull, os.O_RDONLY)
    for standard, own in enumerate((nothing, output, output)):
        os.dup2(own, standard)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["signalbox-host", *arguments]
    host(arguments, prog_name="signalbox-host")
