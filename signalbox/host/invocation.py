"""Call the app's functions: async ones on the loop, the others in a thread pool, one log line each."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.functions.meta import Datum

from signalbox.host.bindings import ClientBinding, arguments, decode
from signalbox.host.containment import CallEndedError, containing, describe
from signalbox.host.functions import Function
from signalbox.host.log import log_invocation

# The app setting by which Azure's Python worker sizes its pool for functions that are not async.
_THREADS = int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "32"))
_CROWD = 4


class Invoker:
    """Runs functions with their arguments filled in."""

    def __init__(self, client: ClientBinding) -> None:
        self._client = client
        self._callers = 0
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="function")

    @property
    def crowded(self) -> bool:
        """Whether so many HTTP calls wait for their answers that other work should stand back."""
        return self._callers > _CROWD

    async def invoke(
        self,
        function: Function,
        data: Datum,
        headers: Mapping[str, str] | None = None,
        instance: str = "-",
        metadata: Mapping[str, Datum] | None = None,
    ) -> Any:
        """The function's return value for one piece of trigger data; its exceptions pass through, logged.

        Only an `Exception` passes: CallEndedError stands for `sys.exit` and its like.
        """
        start = time.perf_counter()
        self._callers += function.kind == "httpTrigger"
        try:
            with containing(function.name):
                values = arguments(function, decode(function, data, metadata or {}), self._client, dict(headers or {}))
            result = await self._call(function, values)
        except Exception as error:
            detail = f"error={describe(error)}"
            log_invocation(function.name, "failed", time.perf_counter() - start, instance, detail, error)
            raise
        finally:
            self._callers -= function.kind == "httpTrigger"
        log_invocation(function.name, "succeeded", time.perf_counter() - start, instance)
        return result

    async def _call(self, function: Function, values: dict[str, Any]) -> Any:
        try:
            if function.is_async:  # In a task of its own, so that a function may cancel itself and nothing else.
                return await asyncio.ensure_future(_finish(function, values))
            return await asyncio.get_running_loop().run_in_executor(self._pool, _run, function, values)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            # Only what the host itself cancels passes as a cancellation: an activity that cancelled itself would
            # otherwise have no answer and run again at each start.
            if task is not None and task.cancelling():
                raise
            raise CallEndedError(function.name, error) from error

    def stop(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _finish(function: Function, values: dict[str, Any]) -> Any:
    with containing(function.name, cancellable=True):
        return await function.code(**values)


def _run(function: Function, values: dict[str, Any]) -> Any:
    with containing(function.name):
        return function.code(**values)
