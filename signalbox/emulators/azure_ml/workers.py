"""Scoring workers: real Python processes that run `init()` once and `run(mini_batch)` for every mini-batch.

As in Azure ML's parallel run: a mini-batch is a list of files; a failed one is retried, then counts against the error
threshold; `append_row` writes one line per returned row, columns separated by a space, no header.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_WORKER = "signalbox.emulators.azure_ml.worker"
_MOST = 2


class ScoringError(Exception):
    """The job cannot be scored; the message is the job's error."""


class _WorkerEnded(Exception):
    """The process is gone; its mini-batch may be tried again in another."""


class WorkerPool:
    def __init__(self, model: Path, script: Path, logs: Path, timeout_s: float) -> None:
        self._model, self._script, self._logs, self._timeout_s = model, script, logs, timeout_s
        logs.mkdir(parents=True, exist_ok=True)

    async def score(
        self, batches: Sequence[list[Path]], output: Path, workers: int, *, max_retries: int, error_threshold: int
    ) -> Path:
        """The file of all rows, in the order of the mini-batches. Raises ScoringError past the threshold."""
        output.mkdir(parents=True, exist_ok=True)
        waiting = asyncio.Queue[int]()
        for number in range(len(batches)):
            waiting.put_nowait(number)
        failed: list[int] = []

        async def work(name: int) -> None:
            async with _Worker(self._model, self._script, self._logs / f"worker-{name}.txt") as worker:
                while not waiting.empty():
                    number = waiting.get_nowait()
                    done = await self._attempt(worker, batches[number], output / f"{number:06d}", max_retries)
                    if not done:
                        failed.append(number)
                        _judge(sum(len(batches[each]) for each in failed), error_threshold)

        count = max(1, min(workers, _MOST, len(batches)))
        async with _first_error(), asyncio.TaskGroup() as group:
            for name in range(count):
                group.create_task(work(name))
        return _join(output, len(batches))

    async def _attempt(self, worker: "_Worker", batch: list[Path], output: Path, max_retries: int) -> bool:
        for _ in range(max_retries + 1):
            try:
                async with asyncio.timeout(self._timeout_s):
                    if await worker.run(batch, output):
                        return True
            except (TimeoutError, _WorkerEnded):
                await worker.end()
        return False


class _Worker:
    """One process; JSON lines in, JSON lines out, everything it prints goes to its log."""

    def __init__(self, model: Path, script: Path, log: Path) -> None:
        self._model, self._script, self._log = model, script, log
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "_Worker":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def run(self, batch: list[Path], output: Path) -> bool:
        process = await self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        request = json.dumps({"files": [str(path) for path in batch], "output": str(output)})
        with contextlib.suppress(ConnectionError):  # A process that has ended answers with an empty line below.
            process.stdin.write(request.encode() + b"\n")
            await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise _WorkerEnded
        return bool(json.loads(line)["ok"])

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-Pm",
                    _WORKER,
                    str(self._script),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    env={**os.environ, "AZUREML_MODEL_DIR": str(self._model)},
                    start_new_session=True,
                )
            assert self._process.stdout is not None
            if not await self._process.stdout.readline():
                raise ScoringError(f"the scoring script did not start; its log ends: {_tail(self._log)}")
        return self._process

    async def end(self) -> None:
        """The next mini-batch, if there is one, gets a new process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@contextlib.asynccontextmanager
async def _first_error():  # type: ignore[no-untyped-def]
    """One worker's error is the job's error."""
    try:
        yield
    except* ScoringError as group:
        raise group.exceptions[0] from None


def _judge(failed_files: int, threshold: int) -> None:
    if 0 <= threshold < failed_files:
        raise ScoringError(f"{failed_files} files failed, more than the error threshold of {threshold}")


def _join(output: Path, count: int) -> Path:
    result = output / "result"
    with result.open("wb") as stream:
        for number in range(count):
            part = output / f"{number:06d}"
            if part.is_file():
                stream.write(part.read_bytes())
    return result


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-600:] if log.is_file() else ""
