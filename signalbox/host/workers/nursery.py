"""A process with the app loaded and nothing running, which forks workers for the host.

A worker begins in milliseconds and shares the app's memory with the others. The host itself could not fork them: its
threads and its event loop would be copied in the middle of what they do. Therefore the nursery is forked before both.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable

from signalbox.host.workers import frames

Main = Callable[[socket.socket, str], None]
"""What a worker does with its end of the connection and the text of a durable client binding, until it ends."""


class Nursery:
    """The host's side of it. Its methods block for some milliseconds."""

    def __init__(self, main: Main) -> None:
        gc.collect()
        gc.freeze()  # A collection would write to all the memory that the processes share.
        self._lock = threading.Lock()
        self._connection, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._connection.close()
            _serve(theirs, main)
        theirs.close()

    def bear(self, client_binding: str) -> tuple[int, socket.socket]:
        """A new worker: its process id and the host's end of the connection to it."""
        with self._lock:
            self._connection.sendall(frames.pack(("bear", client_binding)))
            _, descriptors, _, _ = socket.recv_fds(self._connection, 1, 1)
            pid = frames.receive(self._connection)
        connection = socket.socket(fileno=descriptors[0])
        connection.setblocking(False)
        return pid, connection

    def bury(self, pid: int) -> str | None:
        """How a worker that has gone ended; None if it was killed from outside, for which nobody can be blamed."""
        with self._lock:
            self._connection.sendall(frames.pack(("bury", pid)))
            return how_it_ended(os.waitstatus_to_exitcode(frames.receive(self._connection)))

    def close(self) -> None:
        """End the nursery and with it every worker that is left."""
        self._connection.close()
        os.waitpid(self._pid, 0)


def how_it_ended(code: int) -> str | None:
    """What the exit code of a worker says; None where it was killed from outside."""
    if code >= 0:
        return f"the worker process exited with status {code}"
    return None if code == -signal.SIGKILL else f"the worker process ended by {signal.Signals(-code).name}"


def _serve(connection: socket.socket, main: Main) -> None:
    """Fork and bury until the host has gone; never returns."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Both may reach the whole group, of which the host alone decides when it ends. A handler that does nothing is
        # not inherited by the programs that a function starts, and SIG_IGN would be.
        signal.signal(number, lambda *_: None)
    workers: set[int] = set()
    try:
        while True:
            order, detail = frames.receive(connection)
            if order == "bear":
                workers.add(_bear(connection, main, detail))
            else:
                _, status = os.waitpid(detail, 0)
                workers.discard(detail)
                connection.sendall(frames.pack(status))
    except (EOFError, OSError):
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    finally:
        os._exit(0)


def _bear(connection: socket.socket, main: Main, client_binding: str) -> int:
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            connection.close()
            ours.close()
            main(theirs, client_binding)
        finally:
            os._exit(0)
    socket.send_fds(connection, [b"w"], [ours.fileno()])
    connection.sendall(frames.pack(pid))
    ours.close()
    theirs.close()
    return pid
