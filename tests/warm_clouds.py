"""Local clouds whose hosts and emulators are forks of a process that has imported what they need.

Many tests start them again and again, and what they import is most of what they do at first. A fork remembers nothing
else. `test_restart`, `test_faults` and the documents start them as a person does.
"""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from signalbox.host.command import host
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.processes import Child
from signalbox.lifeline import die_with_parent

_FORKS = multiprocessing.get_context("forkserver")
# Coverage saves what it has counted when a process ends by itself, which a fork does not.
_COVERAGE = "COVERAGE_PROCESS_CONFIG" in os.environ or "COVERAGE_PROCESS_START" in os.environ
_HOST, _EMULATORS = "tests.warm_libraries", "signalbox.emulators.__main__"


class WarmServices(LocalCloud):
    """A local cloud whose emulators are forks; *changes* are made to their settings at each start."""

    preloads: tuple[str, ...] = (_EMULATORS,)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.changes: Mapping[str, Any] = {}

    def _child(self, name: str, command: list[str], environment: Mapping[str, str]) -> Child:
        if name == "emulators" and self.changes:
            settings = Path(command[-1])
            settings.write_text(json.dumps({**json.loads(settings.read_text()), **self.changes}))
        serve = {"host": _serve_host, "emulators": _serve_emulators}.get(name)
        if serve is None or _COVERAGE or (name == "host" and _HOST not in self.preloads):
            return super()._child(name, command, environment)
        log = self.state / "logs" / f"{name}.log"
        forkserver.set_forkserver_preload(list(self.preloads))
        return _Fork(name, log, serve, ({**os.environ, **environment}, self.app, command[3:]))


class WarmCloud(WarmServices):
    """A local cloud whose hosts are forks too."""

    preloads = (_HOST, _EMULATORS)


class _Fork(Child):
    def __init__(self, name: str, log: Path, serve: Callable[..., None], arguments: Sequence[Any]) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        forkserver.ensure_running()
        process = _FORKS.Process(target=_begin, args=(log, serve, tuple(arguments)))
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
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return self._process.exitcode


def _begin(log: Path, serve: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """In the fork: what a process that is started has of its own, then *serve*."""
    os.setsid()
    die_with_parent()
    output, nothing = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), os.open(os.devnull, os.O_RDONLY)
    for standard, own in enumerate((nothing, output, output)):
        os.dup2(own, standard)
    serve(*arguments)


def _take_over(environment: Mapping[str, str], folder: Path, program: str, arguments: list[str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *arguments]


def _serve_host(environment: Mapping[str, str], folder: Path, arguments: list[str]) -> None:
    _take_over(environment, folder, "signalbox-host", arguments)
    host(arguments, prog_name="signalbox-host")


def _serve_emulators(environment: Mapping[str, str], folder: Path, arguments: list[str]) -> None:
    """The emulators fork scoring processes of a server of their own, which ends with them, and not of this one."""
    from signalbox.emulators.__main__ import main

    _take_over(environment, folder, "signalbox-emulators", arguments)
    server = forkserver._forkserver  # type: ignore[attr-defined]
    preloads = server._preload_modules  # As the emulators' own import has set them.
    server.__init__()
    server.set_forkserver_preload(preloads)
    main()
