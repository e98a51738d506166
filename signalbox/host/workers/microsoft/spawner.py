"""Starts workers in another Python, and learns from the first which functions the app has."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

from signalbox.host.configuration.host_json import fill_in
from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.log import LOGGER
from signalbox.host.settings import load_log_levels
from signalbox.host.workers import frames
from signalbox.host.workers.nursery import how_it_ended

_DRIVER = Path(__file__).with_name("driver.py")


class Spawner:
    """Stands where the nursery stands: its workers do not share memory, as none do on Azure."""

    def __init__(self, python: Path, app: Path) -> None:
        """Raises HostError where *python* has no worker library, or the library objects to the app."""
        self._python, self._app, self._levels = python, app, load_log_levels(app, os.environ)
        self._lock = threading.Lock()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        _check_library(python)
        # The first worker is kept for the first call of `bear`: a cold start costs seconds.
        self._addresses: dict[int, str] = {}
        pid, connection, loaded = self._spawn()
        self._waiting: tuple[int, socket.socket] | None = (pid, connection)
        self.functions = {fields["name"]: self._described(fields) for fields in loaded["functions"]}
        self.is_streaming = loaded["address"] is not None
        self.ids = {fields["name"]: fields["id"] for fields in loaded["functions"]}
        LOGGER.info("the app runs in Microsoft's worker library: %s", loaded["library"])

    def bear(self, _client_binding: str) -> tuple[int, socket.socket]:
        """A new worker that has loaded the app: its process id and the host's end of the connection to it. The client
        binding comes with each call."""
        with self._lock:
            worker, self._waiting = self._waiting, None
        if worker is None:
            pid, connection, _ = self._spawn()
            worker = pid, connection
        worker[1].setblocking(False)
        return worker

    def bury(self, pid: int) -> str | None:
        """How a worker that has gone ended; None if it was killed from outside."""
        self._addresses.pop(pid, None)
        return how_it_ended(self._processes.pop(pid).wait())

    def close(self) -> None:
        """End every worker that is left."""
        if self._waiting is not None:
            self._waiting[1].close()
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _spawn(self) -> tuple[int, socket.socket, dict[str, Any]]:
        ours, theirs = socket.socketpair()
        level, levels = logging.getLevelName(logging.getLogger().getEffectiveLevel()), json.dumps(self._levels)
        with theirs:
            process = subprocess.Popen(
                # -P: the driver's own folder is no place to import from.
                [self._python, "-P", _DRIVER, self._app, str(theirs.fileno()), level, levels],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=self._app,
                env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
            )
        self._processes[process.pid] = process
        try:
            outcome, details = frames.receive(ours)
        except EOFError:
            raise HostError(f"the worker ended while it loaded the app in {self._app}: see its log above") from None
        if outcome == "error":
            raise HostError(f"the app in {self._app} cannot be indexed: {details}")
        self._addresses[process.pid] = details["address"]
        return process.pid, ours, details

    def address(self, pid: int) -> str:
        """Where a worker serves HTTP itself."""
        return self._addresses[pid]

    def _described(self, fields: dict[str, Any]) -> Function:
        bindings = [fill_in(json.loads(raw), os.environ) for raw in fields["bindings"]]
        trigger = next(binding for binding in bindings if str(binding["type"]).endswith("Trigger"))
        return Function(
            name=fields["name"],
            code=_elsewhere,
            is_async=False,
            trigger=trigger,
            bindings=[binding for binding in bindings if binding is not trigger],
            parameters=frozenset(str(binding["name"]) for binding in bindings) - {"$return"},
            annotations={},  # The library has checked them.
            folder=self._app,
            retry=fields["retry"],
        )


def _check_library(python: Path) -> None:
    try:
        found = subprocess.run([python, "-P", "-c", "import azure_functions_runtime"], capture_output=True, check=False)
    except OSError as error:
        raise HostError(f"{python} cannot be run ({error.strerror}): name a Python with --worker-python") from None
    if found.returncode != 0:
        raise HostError(
            f"{python} has no azure-functions-runtime, Microsoft's worker library: it needs Python 3.13, and there "
            "`pip install 'azure-functions-runtime>=1.3,<2'`"
        )


def _elsewhere(**_: Any) -> Any:
    raise AssertionError("the functions of this app are called in workers alone")
