"""The child process: runs one function of a project, with limits, and writes what it returned as JSON.

It is started as a script with the standard library alone, so it imports nothing of the app. It reads a line with the
request from its standard input, and for a function of rows a line for each part of them. It writes a line when it
begins, and another with each answer.
"""

import io
import json
import os
import resource
import signal
import sys
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

_MEGABYTE = 1024 * 1024
# What a pure function does not do. This stops mistakes; who may deploy the project's files may deploy the app as well.
_REFUSED = ("ctypes.", "mmap.", "os.", "pty.", "shutil.", "socket.", "sqlite3.", "subprocess.", "tempfile.", "urllib.")
_OF_IMPORTS = ("os.listdir",)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LIBRARY = os.__file__.rpartition(os.sep)[0] + os.sep
_ROWS_WAIT_S = 900.0  # The reader fetches rows while a function of rows waits; an activity lasts ten minutes.

Reply = dict[str, Any]


def main() -> None:
    questions, channel = _private_channels()
    request = json.loads(questions.readline())
    of_rows = "columns" in request
    _bind(request["memory_mb"], request["seconds"], _ROWS_WAIT_S if of_rows else 5.0)
    _write(channel, b"{}\n")
    printed = sys.stdout = io.StringIO()
    for reply in _replies(request, questions) if of_rows else [_reply(request)]:
        if printed.tell():
            reply = {"failed": f"it printed {printed.getvalue()[:100]!r}; let it return what it has to say"}
        _write(channel, _text(reply))
        if "failed" in reply:
            break
    os._exit(0)  # Threads and exit functions of the project are not waited for.


def _private_channels() -> tuple[BinaryIO, BinaryIO]:
    """Where questions come from and answers go. The project reads nothing, and what it writes goes nowhere."""
    questions, channel = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return questions, channel


def _write(channel: BinaryIO, line: bytes) -> None:
    channel.write(line)
    channel.flush()


def _bind(memory_mb: int, seconds: float, wait_s: float) -> None:
    """Let the kernel end this process even if the app that watches it has died."""
    # Later than the app's own watch, which knows the reason in words: these limits are for the case that it is gone.
    room, processor_s = memory_mb * _MEGABYTE, int(seconds) + 2
    for limit, value in ((resource.RLIMIT_DATA, room), (resource.RLIMIT_CPU, processor_s), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            continue  # Some systems have no such limit; the app watches as well.
    signal.setitimer(signal.ITIMER_REAL, seconds + wait_s)


def _reply(request: dict[str, Any]) -> Reply:
    return _guarded(request, lambda: _function(request)(*request["arguments"]))


def _replies(request: dict[str, Any], questions: BinaryIO) -> Iterator[Reply]:
    """An answer when the file is loaded, and one for each part of the rows."""
    functions: list[Callable[..., Any]] = []
    yield _guarded(request, lambda: functions.append(_function(request)))
    while line := questions.readline():
        part = json.loads(line)
        yield _guarded(request, lambda part=part: _broken_rows(functions[0], request, part))  # type: ignore[misc]


def _broken_rows(function: Callable[..., Any], request: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """How many rows of *part* the function has something against, and what, of the first of them."""
    columns, options, count, examples = request["columns"], request["options"], 0, []
    for number, values in zip(part["numbers"], part["rows"], strict=True):
        reason = function(dict(zip(columns, values, strict=True)), options)
        if reason is None:
            continue
        if not isinstance(reason, str) or not reason.strip():
            shown = repr(reason)[:100]
            raise TypeError(f"it returned {shown}; return a sentence about a row that is wrong, and None otherwise")
        count += 1
        if count <= request["examples"]:
            examples.append([number, reason[:200]])
    return {"count": count, "examples": examples}


def _function(request: dict[str, Any]) -> Callable[..., Any]:
    code = compile(request["text"], request["file"], "exec")
    sys.addaudithook(partial(_refuse_effects, request["kind"]))
    module = sys.modules["project_function"] = types.ModuleType("project_function")
    exec(code, vars(module))  # Running it is what this process is for.
    function: Callable[..., Any] = getattr(module, request["function"])
    return function


def _guarded(request: dict[str, Any], act: Callable[[], Any]) -> Reply:
    try:
        return {"returned": act()}
    except MemoryError:
        return {"failed": f"it took more than {request['memory_mb']} MB of memory"}
    except BaseException as error:  # The project's code may raise anything, SystemExit included.
        return {"failed": f"{_place(error, request['file'])}: {type(error).__name__}: {str(error)[:300]}"}


def _refuse_effects(kind: str, event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if not str(path).startswith(_LIBRARY) or (isinstance(flags, int) and flags & _WRITING):
            raise PermissionError(f"{kind} opens no file: {str(path)[:100]}")
    elif event.startswith(_REFUSED) and event not in _OF_IMPORTS:
        raise PermissionError(f"{kind} has no network, files or processes: {event}")


def _place(error: BaseException, file: str) -> str:
    """The last line of the project's *file* that *error* went through."""
    line, entry = 0, error.__traceback__
    while entry is not None:
        if entry.tb_frame.f_code.co_filename == file:
            line = entry.tb_lineno
        entry = entry.tb_next
    return f"it failed at {file}:{line}" if line else f"it failed in {file}"


def _text(reply: Reply) -> bytes:
    try:
        return json.dumps(reply).encode() + b"\n"
    except (TypeError, ValueError, RecursionError, MemoryError) as error:
        return json.dumps({"failed": f"it returned what is no JSON: {str(error)[:200]}"}).encode() + b"\n"


if __name__ == "__main__":
    main()
