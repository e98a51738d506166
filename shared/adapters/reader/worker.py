"""The reader process: reads what nobody trusts, on request, and asks the app for every byte of it.

It is started by `shared.adapters.reader.process` as `python -m shared.adapters.reader.worker SOCKET WINDOW`.
"""

import io
import mmap
import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from typing import Any, BinaryIO, cast

from shared.adapters.reader import frames
from shared.adapters.reader.files import TableFile
from shared.adapters.reader.limits import bind_memory, bind_time
from shared.adapters.reader.window import WINDOW

_BUFFER = 1024 * 1024

Operation = Callable[..., Iterator[frames.Frame]]


class _RangeReader(io.RawIOBase):
    """A file of the request; each read asks the app for that range."""

    def __init__(self, connection: socket.socket, window: mmap.mmap, number: int) -> None:
        self._connection, self._window, self._number, self._position = connection, window, number, 0
        frames.send(connection, {"size": number})
        self._size = int(frames.receive(connection)[0]["size"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), WINDOW, self._size - self._position)
        if length <= 0:
            return 0
        frames.send(self._connection, {"read": [self._number, self._position, length]})
        count = int(frames.receive(self._connection)[0]["count"])
        buffer[:count] = memoryview(self._window)[:count]
        self._position += count
        return count


class _Ahead(io.BufferedReader):
    """Fills its buffer whatever is asked for. A `TextIOWrapper` asks for 8 KB, which `BufferedReader` would hand on to
    the app as it is: a request for every 8 KB of a CSV file."""

    def read1(self, size: int = -1, /) -> bytes:
        self.peek(1)
        return super().read1(size)


def serve(connection: socket.socket, window: mmap.mmap) -> None:
    """Answer one request after the other until the app goes away."""
    while True:
        request, payload = frames.receive(connection)
        limits, arguments = pickle.loads(payload)  # The app's own: nobody else can write to the socket.
        operation = _operation(request["do"])
        bind_memory(limits)
        bind_time(limits)
        frames.send(connection, {"ready": True})
        files = [_file(connection, window, number, name) for number, name in enumerate(request["files"])]
        try:
            _answer(connection, operation(files, *arguments))
        except frames.ClosedConnection:
            raise
        except Exception as error:
            frames.send(connection, {"failed": f"{type(error).__name__}: {error}"[:1000]})


def _answer(connection: socket.socket, answer: Iterator[frames.Frame]) -> None:
    """Send each part once the app has taken the one before; the last is marked as the end."""
    last: frames.Frame | None = None
    for frame in answer:
        if last is not None:
            frames.send(connection, {"part": last[0]}, last[1])
            if frames.receive(connection)[0].get("stop"):
                frames.send(connection, {"stopped": True})
                return
        last = frame
    message, data = last or ({}, b"")
    frames.send(connection, {"end": message}, data)


def _file(connection: socket.socket, window: mmap.mmap, number: int, name: str) -> TableFile:
    def stream() -> BinaryIO:
        return cast(BinaryIO, _Ahead(_RangeReader(connection, window, number), _BUFFER))

    return TableFile(name=name, open=stream)


def _operation(name: str) -> Operation:
    """The function of an operation, imported at its first use: a reader of text needs no Arrow."""
    from shared.adapters.reader import text_operations

    if (of_text := getattr(text_operations, name, None)) is not None:
        return cast(Operation, of_text)
    from shared.adapters.reader import operations

    return cast(Operation, getattr(operations, name))


class _WithoutPandas(MetaPathFinder):
    """Arrow imports pandas where it is installed, for half a second and for nothing."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _end_with(parent: int) -> None:
    """End this process once the app that started it is gone; native code that never returns has its own limit."""
    while os.getppid() == parent:
        time.sleep(1)  # noqa: TID251 - A watch on another process, which sends no event.
    os._exit(1)


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    sys.meta_path.insert(0, _WithoutPandas())
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        serve(connection, mmap.mmap(int(sys.argv[2]), WINDOW))
    except frames.ClosedConnection:
        os._exit(0)


if __name__ == "__main__":
    main()
