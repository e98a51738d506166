"""Ask a project's own gate in a child process: whatever it does there is a finding, and never a fault of the app.

The file is read once: what is compared with the recorded digest is what runs.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared.adapters.reader.limits import resident_mb
from shared.codec import encode
from shared.domain.failures import Transient
from shared.domain.gates.plugins import ProjectGateCall, digest_of, finding_of
from shared.domain.gates.verdict import GateFinding, failed

_WORKER = Path(__file__).with_name("worker.py")
_START_S = 60.0
_WATCH_S = 0.1
_LONGEST_ANSWER = 64 * 1024
_AT_ONCE = 2  # Each may take the memory that its limits allow.
# The same evidence must give the same verdict everywhere: no setting, one order of sets, one time zone.
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "TZ": "UTC"}


class ProjectGateProcesses:
    """The gates of the project whose configuration lies in *home*. Safe to use from several threads."""

    def __init__(self, home: Path) -> None:
        self._home, self._slots = home, threading.BoundedSemaphore(_AT_ONCE)

    def ask(self, call: ProjectGateCall) -> GateFinding:
        """The finding of the gate. Raises Transient where this machine starts no process."""
        try:
            source = (self._home / call.file).read_bytes()
        except OSError as error:
            return failed(f"{call.file} cannot be read ({error.strerror}); deploy it with the app and promote again")
        if digest_of(source) != call.source:
            remedy = "begin another promotion, which is planned with the file as it is"
            return failed(f"{call.file} was {call.source} when this was planned and is {digest_of(source)}; {remedy}")
        request = {
            "file": call.file,
            "text": source.decode("utf-8-sig", "replace"),
            "function": call.function,
            "evidence": encode(call.evidence),
            "options": encode(call.options),
            "seconds": call.seconds,
            "memory_mb": call.memory_mb,
        }
        with self._slots:
            return _finding(_Child(call).answer(json.dumps(request).encode()))


def _finding(reply: Any) -> GateFinding:
    match reply:
        case {"returned": answer}:
            return finding_of(answer)
        case {"failed": str(reason)}:
            return failed(reason)
        case _:
            return failed(f"its process answered {repr(reply)[:100]}")


class _Child:
    """One process, for one question."""

    def __init__(self, call: ProjectGateCall) -> None:
        self._call, self._content, self._verdict = call, b"", ""
        environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ} | _ENVIRONMENT
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-B", "-P", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise Transient(f"no process could be started for {call.file}: {error}") from error

    def answer(self, request: bytes) -> Any:
        """What the child replies to *request*. Raises Transient where the child did not begin."""
        process = self._process
        assert process.stdin is not None, "it was opened as a pipe"
        try:
            with suppress(BrokenPipeError), process.stdin:
                process.stdin.write(request)
            if not self._reads_line(1, time.monotonic() + _START_S):
                raise Transient(f"a process for {self._call.file} did not begin: {self._verdict or 'it ended'}")
            self._reads_line(2, time.monotonic() + self._call.seconds)
            return self._reply()
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None, "it was opened as a pipe"
            process.stdout.close()

    def _reads_line(self, count: int, deadline: float) -> bool:
        """Whether the child has sent *count* lines before the *deadline*, and within its limits."""
        assert self._process.stdout is not None, "it was opened as a pipe"
        descriptor = self._process.stdout.fileno()
        while self._content.count(b"\n") < count:
            if self._is_over(deadline):
                return False
            if select.select([descriptor], [], [], _WATCH_S)[0]:
                part = os.read(descriptor, _LONGEST_ANSWER)
                if not part:
                    return False
                self._content += part
        return True

    def _is_over(self, deadline: float) -> bool:
        if time.monotonic() > deadline:
            self._verdict = f"it took longer than {self._call.seconds:g} s"
        elif resident_mb(self._process.pid) > self._call.memory_mb:
            self._verdict = f"it took more than {self._call.memory_mb} MB of memory"
        elif len(self._content) > _LONGEST_ANSWER:
            self._verdict = f"its answer has more than {_LONGEST_ANSWER} bytes"
        return bool(self._verdict)

    def _reply(self) -> Any:
        if self._verdict:
            return {"failed": self._verdict}
        _, _, text = self._content.partition(b"\n")
        if not text.endswith(b"\n"):
            return {"failed": self._ending()}
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return {"failed": f"its process answered {text[:100]!r}"}

    def _ending(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "its process closed its answer and went on"
        if code in (-signal.SIGXCPU, -signal.SIGALRM):
            return f"it took longer than {self._call.seconds:g} s"
        return f"its process ended with code {code}" if code >= 0 else f"its process was ended by signal {-code}"
