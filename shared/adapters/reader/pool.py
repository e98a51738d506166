"""The reader processes of this worker: started lazily, kept warm, replaced when one dies."""

import atexit
import threading
import time
from collections.abc import Generator, Sequence
from functools import lru_cache

from shared.adapters.reader.files import TableFile
from shared.adapters.reader.frames import Frame
from shared.adapters.reader.limits import ReaderLimits
from shared.adapters.reader.process import ReaderProcess

_AT_ONCE = 2  # Checks beyond it wait: each may take the memory that its limits allow.
_WARM = _AT_ONCE  # Starting one costs a second of imports, so that checks that overlap now and then must find it.
_IDLE_S = 60.0  # After so long without use, all but one are ended at the next use of another.


class Readers:
    """Reader processes; each question has one for itself until it is answered. Safe to use from several threads."""

    def __init__(self, limits: ReaderLimits | None = None) -> None:
        self.limits = limits or ReaderLimits()
        self._warm: list[ReaderProcess] = []  # In the order of their last use.
        self._lock, self._slots = threading.Lock(), threading.BoundedSemaphore(_AT_ONCE)

    def ask(self, operation: str, files: Sequence[TableFile], *arguments: object) -> Frame:
        """The whole answer. Raises ReaderDied, ReaderFailed, and whatever opening or reading a file raises."""
        with self._slots:
            *_, end = self.stream(operation, files, *arguments)
        return end

    def stream(self, operation: str, files: Sequence[TableFile], *arguments: object) -> Generator[Frame, None, None]:
        """The answer part by part. It has a process of its own as long as it lasts, and waits for no other: a caller
        may hold several at a time."""
        reader = self._take()
        try:
            yield from reader.ask(operation, files, *arguments)
        except BaseException:
            # Where the caller wanted no more and the reader took note of it, it can be asked again.
            if reader.is_stopped:
                self._give_back(reader)
            else:
                reader.close()
            raise
        self._give_back(reader)

    def close(self) -> None:
        """End the idle processes."""
        with self._lock:
            warm, self._warm = self._warm, []
        for reader in warm:
            reader.close()

    def _take(self) -> ReaderProcess:
        with self._lock:
            while self._warm:
                reader = self._warm.pop()  # The one used last: the others may become idle.
                if reader.usable:
                    return reader
                reader.close()
        return ReaderProcess(self.limits)

    def _give_back(self, reader: ReaderProcess) -> None:
        with self._lock:
            reader.idle_since = time.monotonic()
            while self._warm and self._warm[0].idle_since < reader.idle_since - _IDLE_S:
                self._warm.pop(0).close()
            if len(self._warm) < _WARM and reader.usable:
                self._warm.append(reader)
                return
        reader.close()


@lru_cache(maxsize=1)
def readers() -> Readers:
    """The readers of this process; none is started before the first request."""
    pool = Readers()
    atexit.register(pool.close)
    return pool
