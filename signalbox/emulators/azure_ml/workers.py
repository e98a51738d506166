"""Scoring workers: real Python processes that run `init()` once and `run(mini_batch)` for every mini-batch.

As in Azure ML's parallel run: a mini-batch is a list of files; a failed one is retried, then counts against the error
threshold; `append_row` writes one line per returned row, columns separated by a space, no header.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from signalbox.emulators.azure_ml.jobs import JobError
from signalbox.emulators.azure_ml.process import Ended, LineProcess, NotStarted

_WORKER = "signalbox.emulators.azure_ml.worker"
_MOST = 2


class WorkerPool:
    def __init__(self, model: Path, script: Path, logs: Path, timeout_s: float) -> None:
        self._model, self._script, self._logs, self._timeout_s = model, script, logs, timeout_s
        logs.mkdir(parents=True, exist_ok=True)

    async def score(
        self, batches: Sequence[list[Path]], output: Path, workers: int, *, max_retries: int, error_threshold: int
    ) -> Path:
        """The file of all rows, in the order of the mini-batches. Raises JobError past the threshold."""
        output.mkdir(parents=True, exist_ok=True)
        waiting = asyncio.Queue[int]()
        for number in range(len(batches)):
            waiting.put_nowait(number)
        failed: list[int] = []

        async def work(name: int) -> None:
            async with self._worker(name) as worker:
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

    @contextlib.asynccontextmanager
    async def _worker(self, name: int) -> AsyncIterator[LineProcess]:
        environment = {"AZUREML_MODEL_DIR": str(self._model)}
        worker = LineProcess(_WORKER, [str(self._script)], environment, self._logs / f"worker-{name}.txt")
        try:
            yield worker
        finally:
            await worker.end()

    async def _attempt(self, worker: LineProcess, batch: list[Path], output: Path, max_retries: int) -> bool:
        question = {"files": [str(path) for path in batch], "output": str(output)}
        for _ in range(max_retries + 1):
            try:
                async with asyncio.timeout(self._timeout_s):
                    if (await worker.ask(question))["ok"]:
                        return True
            except (TimeoutError, Ended):
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
