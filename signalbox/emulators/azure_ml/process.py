"""A child that answers JSON lines with JSON lines; what it prints goes to its log.

Children are forks of one process that has imported what scoring scripts use (`prepared`).
"""

import asyncio
import contextlib
import io
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any, cast

_LONGEST_LINE = 64 * 1024**2
# A fresh interpreter for each child would be nearer to Azure ML, but to import scikit-learn is most of a small job.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["signalbox.emulators.azure_ml.prepared"])
_FORK_S = 120  # On a loaded machine the server's imports take half a minute.
_END_S = 30
# To start a process looks whether others have ended. Two threads that look at one process read each other's answer from
# its descriptor, or from another that took the closed one's number, and then one of them waits for ever.
_ONE_AT_A_TIME = threading.Lock()


def prepare() -> None:
    """Start the process whose forks the children are, unless it runs: its imports take seconds."""
    forkserver.ensure_running()


def _abandon_server() -> None:
    """End the process that forks the children, with its children and the calls that wait; the next is another."""
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    if server is not None:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(server, signal.SIGKILL)
            # `ensure_running` starts another only once this one has ended. It collects the exit itself.
            os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)


class NotStarted(Exception):
    """The process ended before it was ready; the message ends with its log."""


class Ended(Exception):
    """The process has ended; the caller may send the request to a new one."""


class LineProcess:
    """*program* with *arguments*, in a group of its own, started at the first need and again after its end."""

    def __init__(
        self, program: Callable[..., None], arguments: Sequence[Any], environment: Mapping[str, str], log: Path
    ) -> None:
        self._program, self._arguments = program, tuple(arguments)
        self._environment, self._log = dict(environment), log
        self._process: ForkServerProcess | None = None

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Raises NotStarted or Ended."""
        await self.start()
        with contextlib.suppress(ConnectionError):  # A process that has ended answers with an empty line below.
            self._writer.write(json.dumps(question).encode() + b"\n")
            await self._writer.drain()
        line = await self._next_line()
        if not line:
            raise Ended
        return dict(json.loads(line))

    async def start(self) -> None:
        """Return once the process says that it is ready. Raises NotStarted."""
        if self._process is not None:
            return
        own_end, other_end = socket.socketpair()
        prepare()  # From this thread: the server ends with the thread that has started it.
        try:
            async with asyncio.timeout(_FORK_S):  # The first fork waits for what the server imports.
                self._process = await asyncio.to_thread(self._fork, other_end)
        except TimeoutError as error:
            own_end.close()
            _abandon_server()  # The thread would wait for its answer, and the event loop's end for the thread.
            raise NotStarted(f"no process was forked in {_FORK_S} s; try again") from error
        except BaseException:
            own_end.close()  # A fork that comes too late reads the end of its questions, and ends.
            raise
        self._reader, self._writer = await asyncio.open_connection(sock=own_end, limit=_LONGEST_LINE)
        if not await self._next_line():
            await self.end()
            raise NotStarted(f"the scoring script did not start; its log ends: {self.tail()}")

    def _fork(self, stream: socket.socket) -> ForkServerProcess:
        """It closes *stream* itself: the waiting call may be cancelled, and its number be another's by then."""
        with stream, self._log.open("ab") as log:
            streams = _Streams(stream.fileno(), log.fileno())
            process = _FORKS.Process(target=_run, args=(self._program, self._arguments, self._environment, streams))
            with _ONE_AT_A_TIME:
                process.start()
        return process

    async def _next_line(self) -> bytes:
        """Empty where the process has ended."""
        try:
            return await self._reader.readline()
        except ConnectionError:
            return b""

    async def end(self) -> None:
        """End the process. The next request starts a new one."""
        process, self._process = self._process, None
        if process is None:
            return
        await asyncio.to_thread(_reap, process)
        self._writer.close()

    def tail(self, characters: int = 600) -> str:
        return self._log.read_text(errors="replace")[-characters:] if self._log.is_file() else ""


def _reap(process: ForkServerProcess) -> None:
    """Kill *process* with its group, and return once it has ended."""
    with _ONE_AT_A_TIME:
        if process.is_alive() and process.pid is not None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:  # It has not come to its own group yet.
                process.kill()
        process.join(_END_S)
        if process.is_alive():  # The server does not say so: it hangs.
            _abandon_server()
            process.join()
        process.close()


class _Streams:
    """Descriptors that a fork inherits: one for its questions and answers, one for its log."""

    def __init__(self, answers: int, log: int) -> None:
        self.answers, self.log = answers, log

    def __getstate__(self) -> tuple[Any, Any]:
        return DupFd(self.answers), DupFd(self.log)

    def __setstate__(self, state: tuple[Any, Any]) -> None:
        self.answers, self.log = (inherited.detach() for inherited in state)


def _run(
    program: Callable[..., None], arguments: Sequence[Any], environment: Mapping[str, str], streams: _Streams
) -> None:
    """In the fork: what a new interpreter would have of its own, then *program*."""
    os.setsid()
    for standard, inherited in enumerate((streams.answers, streams.answers, streams.log)):
        os.dup2(inherited, standard)
    os.close(streams.answers)
    os.close(streams.log)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    for output in (sys.stdout, sys.stderr):
        cast(io.TextIOWrapper, output).reconfigure(line_buffering=True)
    os.environ.update(environment)
    with contextlib.suppress(ImportError):
        import numpy

        numpy.random.seed()  # All forks would draw the same numbers.
    program(*arguments)
