"""The child process: runs one function of a project once, with limits, and writes what it returned as JSON.

It is started as a script with the standard library alone, so it imports nothing of the app. It reads a request from its
standard input and writes a line when it begins, and another with its answer.
"""

import io
import json
import os
import resource
import signal
import sys
import types
from typing import Any, BinaryIO

_MEGABYTE = 1024 * 1024
# What a pure function does not do. This stops mistakes; who may deploy the project's files may deploy the app as well.
_REFUSED = ("ctypes.", "mmap.", "os.", "pty.", "shutil.", "socket.", "sqlite3.", "subprocess.", "tempfile.", "urllib.")
_OF_IMPORTS = ("os.listdir",)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LIBRARY = os.__file__.rpartition(os.sep)[0] + os.sep


def main() -> None:
    channel, request = _private_channel(), json.load(sys.stdin)
    _bind(request["memory_mb"], request["seconds"])
    channel.write(b"{}\n")
    channel.flush()
    printed = sys.stdout = io.StringIO()
    reply = _reply(request)
    if printed.tell():
        reply = {"failed": f"it printed {printed.getvalue()[:100]!r}; let it return what it has to say"}
    channel.write(_text(reply))
    channel.flush()
    os._exit(0)  # Threads and exit functions of the project are not waited for.


def _private_channel() -> BinaryIO:
    """Where the answer goes. What the project writes to its standard output goes nowhere."""
    channel, nowhere = os.fdopen(os.dup(1), "wb"), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return channel


def _bind(memory_mb: int, seconds: float) -> None:
    """Let the kernel end this process even if the app that watches it has died."""
    room, processor_s = memory_mb * _MEGABYTE, int(seconds) + 2
    for limit, value in ((resource.RLIMIT_DATA, room), (resource.RLIMIT_CPU, processor_s), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            continue  # Some systems have no such limit; the app watches as well.
    signal.setitimer(signal.ITIMER_REAL, seconds + 5.0)


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    file = request["file"]
    try:
        code = compile(request["text"], file, "exec")
        sys.addaudithook(_refuse_effects)
        module = sys.modules["project_gate"] = types.ModuleType("project_gate")
        exec(code, vars(module))  # Running it is what this process is for.
        return {"returned": getattr(module, request["function"])(request["evidence"], request["options"])}
    except MemoryError:
        return {"failed": f"it took more than {request['memory_mb']} MB of memory"}
    except BaseException as error:  # The project's code may raise anything, SystemExit included.
        return {"failed": f"{_place(error, file)}: {type(error).__name__}: {str(error)[:300]}"}


def _refuse_effects(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if not str(path).startswith(_LIBRARY) or (isinstance(flags, int) and flags & _WRITING):
            raise PermissionError(f"a gate opens no file: {str(path)[:100]}")
    elif event.startswith(_REFUSED) and event not in _OF_IMPORTS:
        raise PermissionError(f"a gate has no network, files or processes: {event}")


def _place(error: BaseException, file: str) -> str:
    """The last line of the project's *file* that *error* went through."""
    line, entry = 0, error.__traceback__
    while entry is not None:
        if entry.tb_frame.f_code.co_filename == file:
            line = entry.tb_lineno
        entry = entry.tb_next
    return f"it failed at {file}:{line}" if line else f"it failed in {file}"


def _text(reply: dict[str, Any]) -> bytes:
    try:
        return json.dumps(reply).encode() + b"\n"
    except (TypeError, ValueError, RecursionError, MemoryError) as error:
        return json.dumps({"failed": f"it returned what is no JSON: {str(error)[:200]}"}).encode() + b"\n"


if __name__ == "__main__":
    main()
