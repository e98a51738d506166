"""A host in a process of its own, for tests that end it."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

PATIENCE = 30.0


class Process:
    """The host of *app*, with its state, its log and the file EFFECTS in *folder*."""

    def __init__(self, app: Path, folder: Path, *options: str) -> None:
        self._app = app
        self._options = options
        self.state = folder / "state"
        self.effects = folder / "effects.log"
        self.url = ""
        self.log = folder / "host.log"
        self._errors = self.log.open("ab")
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it; returns its address, or nothing when it ended before it listened."""
        environment = {**os.environ, "EFFECTS": str(self.effects), "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING": "1"}
        command = [sys.executable, "-m", "signalbox.host", "start", "--port", "0", "--synchronous", "NORMAL"]
        self._child = subprocess.Popen(
            [*command, "--app", str(self._app), "--state", str(self.state), *self._options],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        assert self._child.stdout is not None
        self.url = self._child.stdout.readline().removeprefix("listening on ").strip()
        return self.url

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._child is None else self._child.pid

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; returns the exit code."""
        assert self._child is not None
        self._child.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended by itself; returns the exit code."""
        assert self._child is not None
        code = self._child.wait(PATIENCE)
        assert self._child.stdout is not None
        self._child.stdout.close()
        self._child = None
        return code

    def close(self) -> None:
        if self._child is not None:
            self.end(signal.SIGKILL)
        self._errors.close()

    def rows(self, sql: str) -> list[tuple[str, ...]]:
        connection = sqlite3.connect(self.state / "host.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def counted(self) -> Counter[str]:
        return Counter(self.effects.read_text().split()) if self.effects.exists() else Counter()


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again; fails after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(0.002)


def post(url: str, body: bytes | None = None) -> int:
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=PATIENCE) as response:
        return int(response.status)
