"""Scoring workers: real Python processes that run `init()` once and `run(mini_batch)` for every mini-batch.

As in Azure ML's parallel run: a mini-batch is a list of files; a failed one is retried, then counts against the error
threshold; `append_row` writes one line per returned row, columns separated by a space, no header.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from signalbox.emulators.azure_ml.batch.worker import main
from signalbox.emulators.azure_ml.jobs import JobError
from signalbox.emulators.azure_ml.process import Ended, LineProcess, NotStarted

_MOST = 2
_NODE = "0"


class WorkerPool:
    """*logs* is the folder that Azure calls `logs`: an overview of the mini-batches, and `user/` of the script."""

    def __init__(self, model: Path, script: Path, logs: Path, timeout_s: float) -> None:
        self._model, self._script, self._logs, self._timeout_s = model, script, logs, timeout_s
        for kind in ("stderr", "stdout", "error"):
            (logs / "user" / kind / _NODE).mkdir(parents=True, exist_ok=True)

    async def score(
        self, batches: Sequence[list[Path]], output: Path, workers: int, *, max_retries: int, error_threshold: int
    ) -> Path:
        """The file of all rows, in the order of the mini-batches. Raises JobError past the threshold."""
        output.mkdir(parents=True, exist_ok=True)
        queue = asyncio.Queue[int]()
        for number in range(len(batches)):
            queue.put_nowait(number)
        failures: list[int] = []

        async def work(name: int) -> None:
            async with self._worker(name) as worker:
                while not queue.empty():
                    number = queue.get_nowait()
                    success = await self._attempt(worker, batches[number], output / f"{number:06d}", max_retries)
                    self._note(f"task {number}: {len(batches[number])} files {'succeeded' if success else 'failed'}")
                    if not success:
                        failures.append(number)
                        _judge(sum(len(batches[batch]) for batch in failures), error_threshold)

        count = max(1, min(workers, _MOST, len(batches)))
        async with _first_error(), asyncio.TaskGroup() as group:
            for name in range(count):
                group.create_task(work(name))
        return _join(output, len(batches))

    @contextlib.asynccontextmanager
    async def _worker(self, name: int) -> AsyncIterator[LineProcess]:
        environment = {"AZUREML_MODEL_DIR": str(self._model)}
        process, log = f"process{name:03d}", self._logs / "user" / "stderr" / _NODE / f"process{name:03d}.stderr.txt"
        worker = LineProcess(main, [self._script, self._logs / "user", _NODE, process], environment, log)
        try:
            yield worker
        finally:
            await worker.end()

    def _note(self, line: str) -> None:
        with (self._logs / "job_progress_overview.txt").open("a") as stream:
            stream.write(f"{line}\n")

    async def _attempt(self, worker: LineProcess, batch: list[Path], output: Path, max_retries: int) -> bool:
        question = {"files": [str(path) for path in batch], "output": str(output)}
        for _ in range(max_retries + 1):
            try:
                async with asyncio.timeout(self._timeout_s):
                    if (await worker.ask(question))["ok"]:
                        return True
            except (TimeoutError, Ended) as error:
                late = isinstance(error, TimeoutError)
                self._note(f"the process {f'gave no answer in {self._timeout_s:g} s' if late else 'ended'}")
                await worker.end()
            except NotStarted as error:
                raise JobError(str(error)) from error
        return False


@contextlib.asynccontextmanager
async def _first_error():  # type: ignore[no-untyped-def]
    """One worker's error is the job's error."""
    try:
        yield
    except* JobError as group:
        raise group.exceptions[0] from None


def _judge(failed_files: int, threshold: int) -> None:
    if 0 <= threshold < failed_files:
        raise JobError(f"{failed_files} files failed, more than the error threshold of {threshold}")


def _join(output: Path, count: int) -> Path:
    result = output / "result"
    with result.open("wb") as stream:
        for number in range(count):
            part = output / f"{number:06d}"
            if part.is_file():
                stream.write(part.read_bytes())
    return result
