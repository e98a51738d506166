"""Threads for the app's code.

They do for less what a ThreadPoolExecutor and `run_in_executor` do together: a call has one future and no lock of its
own, and calls that end at the same time wake the event loop once.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_Job = Callable[[], None]


class Threads:
    """Up to *size* threads. One begins when a job finds none free."""

    def __init__(self, size: int, name: str) -> None:
        self._size, self._name = size, name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._free_count = 0  # The threads that wait for a job, less the jobs that wait for a thread.
        self._ended: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._is_loop_awake = False

    def run(self, function: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """Call *function* in a thread, for the event loop that runs now; the future is what it returns or raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def job() -> None:
            if future.cancelled():
                return
            try:
                self._ended.append((future, function(*arguments), None))
            except BaseException as error:  # The one who awaits it decides what becomes of it.
                self._ended.append((future, None, error))
            # Appended before the look, as `_deliver` clears the mark before it looks: no end is overlooked.
            if not self._is_loop_awake:
                self._is_loop_awake = True
                with contextlib.suppress(RuntimeError):  # The event loop has closed, and nobody waits any more.
                    future.get_loop().call_soon_threadsafe(self._deliver)

        self.submit(job)
        return future

    def submit(self, job: _Job) -> None:
        """Call *job* in a thread; it tells nobody how it ends, so it must not raise."""
        with self._lock:
            self._free_count -= 1
            if self._free_count < 0 and len(self._threads) < self._size:
                self._free_count += 1
                # No thread keeps the process: a function that hangs cannot be ended.
                thread = threading.Thread(target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._jobs.put(job)

    def stop(self, *, forget: bool = False) -> None:
        """Let every thread end after the jobs that are queued, or with *forget* after the one that it has."""
        with contextlib.suppress(queue.Empty):
            while forget:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)

    def join(self) -> None:
        """Wait for the end of all threads, after `stop`."""
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # A thread that waits must not keep what its last call was given.
            with self._lock:
                self._free_count += 1

    def _deliver(self) -> None:
        self._is_loop_awake = False
        while self._ended:
            future, value, error = self._ended.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
