"""The app's side of one child process that runs one function of a project.

Whatever the function does there is an answer `failed` with its reason, and never a fault of the app.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from shared.adapters.reader.limits import resident_mb
from shared.domain.failures import Transient
from shared.domain.project_functions import ProjectFunction

_WORKER = Path(__file__).with_name("worker.py")
_START_S = 60.0
_WATCH_S = 0.1
_READ = 64 * 1024
# The same question must have the same answer everywhere: no setting, one order of sets, one time zone.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "TZ": "UTC"}


class Child:
    """One process for one function. *longest_answer* is in bytes. Close it after the last reply."""

    def __init__(self, function: ProjectFunction, longest_answer: int = 64 * 1024) -> None:
        """Raises Transient where this machine starts no process."""
        self._function, self._longest_answer = function, longest_answer
        self._left_s, self._content, self._verdict = function.seconds, b"", ""
        environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ} | _ENVIRONMENT
        try:
            self._process = subprocess.Popen(
                # Not `-I`, which would ignore PYTHONHASHSEED and PYTHONUTF8. `-s` and `-S` leave out installed
                # packages, `-P` the folder of the script.
                [sys.executable, "-s", "-S", "-B", "-P", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise Transient(f"no process could be started for {function.file}: {error}") from error

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, kind: str, source: bytes, **request: Any) -> None:
        """Send the function's *source* and the *request*, and wait until the child has both.

        *kind* is what messages call the function. Raises Transient where the child does not begin.
        """
        function = self._function
        request |= {
            "kind": kind,
            "file": function.file,
            "text": source.decode("utf-8-sig", "replace"),
            "function": function.function,
            "seconds": function.seconds,
            "memory_mb": function.memory_mb,
        }
        self.send(json.dumps(request).encode())
        if self._line(time.monotonic() + _START_S) is None:
            raise Transient(f"a process for {function.file} did not begin: {self._verdict or 'it ended'}")

    def send(self, question: bytes) -> None:
        """Send one line; a child that has gone is found out by its reply."""
        assert self._process.stdin is not None, "it was opened as a pipe"
        with suppress(BrokenPipeError):
            self._process.stdin.write(question + b"\n")
            self._process.stdin.flush()

    def reply(self) -> dict[str, Any]:
        """What the child says next within its limits: `{"returned": ...}`, or `{"failed": REASON}`.

        Its time is that of all replies together; what the app does between them does not count.
        """
        start = time.monotonic()
        line = self._line(start + self._left_s)
        self._left_s -= time.monotonic() - start
        if line is None:
            return {"failed": self._verdict or self._ending()}
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            reply = None
        return reply if _is_reply(reply) else {"failed": f"its process answered {line[:100]!r}"}

    def close(self) -> None:
        """End the process and wait until it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            # The whole session, so that nothing which the function has started outlives its answer.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None, "it was opened as a pipe"
            with suppress(BrokenPipeError):
                pipe.close()

    def _line(self, deadline: float) -> bytes | None:
        """The next line of the child, None where it sends none before the *deadline* and within its limits."""
        assert self._process.stdout is not None, "it was opened as a pipe"
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._content:
            if self._is_over(deadline):
                return None
            if select.select([descriptor], [], [], _WATCH_S)[0]:
                part = os.read(descriptor, _READ)
                if not part:
                    return None
                self._content += part
        line, _, self._content = self._content.partition(b"\n")
        return line

    def _is_over(self, deadline: float) -> bool:
        if time.monotonic() > deadline:
            self._verdict = f"it took longer than {self._function.seconds:g} s"
        elif resident_mb(self._process.pid) > self._function.memory_mb:
            self._verdict = f"it took more than {self._function.memory_mb} MB of memory"
        elif len(self._content) > self._longest_answer:
            self._verdict = f"its answer has more than {self._longest_answer} bytes"
        return bool(self._verdict)

    def _ending(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "its process closed its answer and went on"
        if code in (-signal.SIGXCPU, -signal.SIGALRM):
            return f"it took longer than {self._function.seconds:g} s"
        return f"its process ended with code {code}" if code >= 0 else f"its process was ended by signal {-code}"


def _is_reply(reply: Any) -> bool:
    return isinstance(reply, dict) and ("returned" in reply or isinstance(reply.get("failed"), str))
