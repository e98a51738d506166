"""One reader process as the app sees it: started when needed, asked one thing at a time, ended when it misbehaves.

The reader has no credentials and opens nothing: it asks the app for ranges of the files that a request names.
"""

import mmap
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from shared.adapters.reader import frames
from shared.adapters.reader.files import TableFile
from shared.adapters.reader.limits import ReaderLimits, resident_mb
from shared.adapters.reader.window import WINDOW, shared_window
from shared.domain.failures import Transient

_WATCH_S = 0.1
_START_S = 60.0
_STOP_S = 1.0
# Of the app's environment the reader gets what an interpreter needs to start, and no setting.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")


class ReaderDied(Exception):
    """The process ended, or was ended, while it read *file* (empty: none was open yet)."""

    def __init__(self, reason: str, file: str) -> None:
        super().__init__(reason)
        self.reason, self.file = reason, file


class ReaderFailed(Transient):
    """The reader did not start, or lived and could not answer: a fault of the app, never of the content."""


@dataclass(slots=True)
class _Files:
    """The files of a request: each is opened when the reader first asks for it."""

    tables: Sequence[TableFile]
    closing: ExitStack
    streams: dict[int, BinaryIO] = field(default_factory=dict)
    current: str = ""

    def size(self, number: int) -> int:
        return self._stream(number).seek(0, os.SEEK_END)

    def part(self, number: int, position: int, length: int) -> bytes:
        stream = self._stream(number)
        stream.seek(position)
        return stream.read(min(length, WINDOW))

    def _stream(self, number: int) -> BinaryIO:
        table = self.tables[number]
        self.current = table.name
        if number not in self.streams:
            self.streams[number] = self.closing.enter_context(table.open())
        return self.streams[number]


class ReaderProcess:
    """A fresh interpreter and not a fork: a fork of a threaded app keeps locks whose owners are not in the child."""

    def __init__(self, limits: ReaderLimits) -> None:
        self._limits, self.is_stopped = limits, False
        self.idle_since = 0.0  # When its pool last took it back, by `time.monotonic`.
        self._connection, child_socket = socket.socketpair()
        with child_socket, shared_window() as window:
            descriptors = (child_socket.fileno(), window.fileno())
            self._window = mmap.mmap(window.fileno(), WINDOW)
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-m", "shared.adapters.reader.worker", *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # The output of a native crash may quote the data, so it is discarded.
                pass_fds=descriptors,
                env=_environment(),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def usable(self) -> bool:
        """Whether it can take another request: it is alive and holds less than half of the memory that it may have."""
        return self._process.poll() is None and resident_mb(self.pid) < self._limits.memory_mb / 2

    def close(self) -> None:
        """End the process and wait until it is gone."""
        self._connection.close()
        self._window.close()
        self._process.kill()
        self._process.wait()

    def ask(self, operation: str, files: Sequence[TableFile], *arguments: object) -> Iterator[frames.Frame]:
        """Each part of the answer. Raises ReaderDied, ReaderFailed, and whatever opening or reading a file raises.

        After any of these, or where the caller stops early, the process must not be asked again: close it.
        """
        self.is_stopped = False
        self._start(operation, files, pickle.dumps((self._limits, arguments)))
        with ExitStack() as closing:
            open_files = _Files(files, closing)
            watch = _Watch(self._process, self._limits)
            try:
                yield from self._parts(open_files, watch)
            except (frames.ClosedConnection, frames.BadFrame) as error:
                raise ReaderDied(watch.death(), open_files.current) from error

    def _start(self, operation: str, files: Sequence[TableFile], arguments: bytes) -> None:
        """Wait until the reader has finished its imports, which no request pays for. Raises ReaderFailed."""
        try:
            frames.send(self._connection, {"do": operation, "files": [file.name for file in files]}, arguments)
            if not select.select([self._connection], [], [], _START_S)[0]:
                raise ReaderFailed(f"a reader process was not ready after {_START_S:g} s")
            frames.receive(self._connection)
        except frames.ClosedConnection as error:
            raise ReaderFailed(f"a reader process did not start: it ended with {self._process.wait()}") from error

    def _parts(self, open_files: _Files, watch: "_Watch") -> Iterator[frames.Frame]:
        while True:
            watch.wait(self._connection)
            message, data = frames.receive(self._connection)
            match message:
                case {"size": int(number)}:
                    frames.send(self._connection, {"size": open_files.size(number)})
                case {"read": [int(number), int(position), int(length)]}:
                    data = open_files.part(number, position, length)
                    self._window[: len(data)] = data
                    frames.send(self._connection, {"count": len(data)})
                case {"part": _}:
                    try:
                        yield message, data
                    except GeneratorExit:
                        self._stop()
                        raise
                    frames.send(self._connection, {})
                case {"end": _}:
                    self.is_stopped = True  # It waits for the next request, whether or not the caller goes on.
                    yield message, data
                    return
                case {"failed": reason}:
                    raise ReaderFailed(str(reason))
                case _:
                    raise frames.BadFrame(str(message)[:100])

    def _stop(self) -> None:
        """The caller wants no more: let the reader wait for the next request."""
        frames.send(self._connection, {"stop": True})
        if select.select([self._connection], [], [], _STOP_S)[0]:
            self.is_stopped = "stopped" in frames.receive(self._connection)[0]


class _Watch:
    """Ends the process where it takes more time or memory than a request may."""

    def __init__(self, process: subprocess.Popen[bytes], limits: ReaderLimits) -> None:
        self._process, self._limits = process, limits
        self._seconds_used, self._verdict = 0.0, ""

    def wait(self, connection: socket.socket) -> None:
        """Wait until the reader sends something or has ended."""
        start = time.monotonic()
        while not self._over(start) and not select.select([connection], [], [], _WATCH_S)[0]:
            pass
        self._seconds_used += time.monotonic() - start

    def death(self) -> str:
        """The reason why the process ended."""
        if not self._verdict:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                return "its reader said what makes no sense and was ended"
        return self._verdict or _ending(self._process.returncode, self._limits)

    def _over(self, start: float) -> bool:
        if self._seconds_used + time.monotonic() - start > self._limits.seconds:
            return self._end(f"reading it took longer than {self._limits.seconds:g} s")
        if resident_mb(self._process.pid) > self._limits.memory_mb:
            return self._end(f"reading it took more than {self._limits.memory_mb} MB of memory")
        return False

    def _end(self, verdict: str) -> bool:
        self._verdict = verdict
        self._process.kill()
        self._process.wait()
        return True


def _ending(code: int, limits: ReaderLimits) -> str:
    # The kernel's limit of processor time is the second line: the watch in the app measures wall time and comes first,
    # unless the app itself has died or is stopped.
    if code == -signal.SIGXCPU:
        return f"reading it took longer than {limits.seconds:g} s"
    if code >= 0:
        return f"its reader ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"its reader was ended by signal {-code} ({name})"


def _environment() -> dict[str, str]:
    """No setting and no secret: where modules are found, one thread for BLAS, and memory that the kernel can count."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return environment | {
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }
