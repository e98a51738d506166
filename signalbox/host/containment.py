"""Keep what the app's code raises inside the call that raised it.

`sys.exit`, KeyboardInterrupt and the like are not `Exception`s: unchecked, they end the event loop or leave a future
that nobody ever completes.
"""

from __future__ import annotations

import asyncio


class CallEndedError(Exception):
    """A function raised something that is meant to end a process, a thread or a task; it ended only the call."""

    def __init__(self, function: str, cause: BaseException) -> None:
        name, text = type(cause).__name__, _text(cause)
        super().__init__(f"{function} raised {name}({text}), which ends this call and not the host")


class ProcessEndedError(Exception):
    """The process in which a call ran has ended; *cause* says how, unless it was killed from outside."""

    def __init__(self, cause: str | None) -> None:
        super().__init__(cause or "the worker process was killed")
        self.cause = cause


class Containment:
    """Turn every BaseException that is not an Exception into CallEndedError, which names *function*.

    A cancellation passes if the code is *cancellable*: only its caller can tell whether the host asked for it.
    StopIteration never passes, because no future can carry it.
    """

    def __init__(self, function: str, *, cancellable: bool = False) -> None:
        self._function, self._is_cancellable = function, cancellable

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        is_ordinary = isinstance(error, Exception) and not isinstance(error, StopIteration)
        if not is_ordinary and not (self._is_cancellable and isinstance(error, asyncio.CancelledError)):
            raise CallEndedError(self._function, error) from error


containing = Containment  # `with containing(...)`. A generator would take three times as long, seven times a start.


def describe(error: BaseException) -> str:
    """The error's type and text, also where its own `__str__` fails."""
    return f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as second:  # The app may have written this __str__, so it may raise anything.
        return f"its text cannot be shown, because {type(second).__name__} was raised"
