"""A child that answers JSON lines with JSON lines; what it prints goes to its log."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LONGEST_LINE = 64 * 1024**2


class NotStarted(Exception):
    """The process ended before it was ready; the message ends with its log."""


class Ended(Exception):
    """The process has ended; the caller may send the request to a new one."""


class LineProcess:
    """`python -m MODULE ARGUMENTS` in a group of its own, started at the first need and again after its end."""

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = [sys.executable, "-Pm", module, *arguments]
        self._environment, self._log = environment, log
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Raises NotStarted or Ended."""
        process = await self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(ConnectionError):  # A process that has ended answers with an empty line below.
            process.stdin.write(json.dumps(question).encode() + b"\n")
            await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise Ended
        return dict(json.loads(line))

    async def start(self) -> asyncio.subprocess.Process:
        """The running process, once it says that it is ready."""
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    env={**os.environ, **self._environment},
                    start_new_session=True,
                    limit=_LONGEST_LINE,
                )
            assert self._process.stdout is not None
            if not await self._process.stdout.readline():
                await self.end()
                raise NotStarted(f"the scoring script did not start; its log ends: {self.tail()}")
        return self._process

    async def end(self) -> None:
        """End the process. The next request starts a new one."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def tail(self, characters: int = 600) -> str:
        return self._log.read_text(errors="replace")[-characters:] if self._log.is_file() else ""
