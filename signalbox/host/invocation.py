"""Call the app's functions: async ones on the loop, the others in a thread pool, one log line each."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Mapping
from contextvars import copy_context
from datetime import timedelta
from typing import Any, Protocol

from aiohttp import web
from azure.functions.meta import Datum

from signalbox.host.bindings import (
    RETURN,
    Beside,
    ClientBinding,
    InvocationContext,
    Ready,
    Results,
    arguments,
    decode,
    encode,
    encode_outputs,
)
from signalbox.host.containment import CallEndedError, containing, describe
from signalbox.host.functions import Function
from signalbox.host.log import INVOCATION, LOGGER, log_invocation
from signalbox.host.streaming.extension import StreamBridge
from signalbox.host.workers.threads import Threads

# The app setting by which Azure's Python worker sizes its pool for functions that are not async.
_THREADS_SETTING, _THREADS = "PYTHON_THREADPOOL_THREAD_COUNT", 32
CROWD = 4  # So many HTTP calls at once are no crowd yet.


class FunctionTimeoutError(Exception):
    """A call took longer than `functionTimeout` of host.json."""


class Calls(Protocol):
    """Calls the app's functions: `Invoker` in this process, a crew in others."""

    @property
    def crowded(self) -> bool: ...

    async def answer(
        self,
        function: Function,
        data: Datum,
        headers: Mapping[str, str] | None = None,
        instance: str = "-",
        metadata: Mapping[str, Datum] | None = None,
        beside: Beside | None = None,
    ) -> Any:
        """What the function answers, encoded; `Results` if it has output bindings."""
        ...

    async def stream(
        self, function: Function, request: web.Request, parameters: Mapping[str, str]
    ) -> web.StreamResponse:
        """The answer of a function that takes requests of the http-fastapi extension."""
        ...

    def stop(self) -> None: ...


class Invoker:
    """Runs functions with their arguments filled in."""

    def __init__(self, client: ClientBinding, timeout: timedelta | None = None) -> None:
        """*timeout* is how long a call may take; without it, as long as it likes."""
        self._client = client
        self._timeout = timeout
        self.is_stuck = False  # Whether a thread of this process runs a call that has been given up.
        self._bridge: StreamBridge | None = None
        self._callers = 0
        self._threads = _new_threads()

    @property
    def crowded(self) -> bool:
        """Whether so many HTTP calls wait for their answers that other work should stand back."""
        return self._callers > CROWD

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
        result, _ = await self._perform(function, data, headers, instance, metadata, Beside())
        return result

    async def _perform(
        self,
        function: Function,
        data: Datum | Ready,
        headers: Mapping[str, str] | None,
        instance: str,
        metadata: Mapping[str, Datum] | None,
        beside: Beside,
    ) -> tuple[Any, Mapping[str, Any]]:
        """The function's return value, and its arguments, which hold its outputs."""
        start, invocation_id = time.perf_counter(), str(uuid.uuid4())
        self._callers += function.kind == "httpTrigger"
        mark = INVOCATION.set(f"function={function.name} invocation={invocation_id}")
        try:
            with containing(function.name):
                value = decode(function, data, metadata or {})
                values = arguments(function, value, self._client, beside.inputs)
            if "context" in function.parameters and "context" not in values:
                values["context"] = InvocationContext(function, invocation_id, headers or {}, beside.retry)
            result = await self._call(function, values)
        except Exception as error:
            detail = f"invocation={invocation_id} error={describe(error)}"
            log_invocation(function.name, "failed", time.perf_counter() - start, instance, detail, error)
            raise
        finally:
            INVOCATION.reset(mark)
            self._callers -= function.kind == "httpTrigger"
        log_invocation(function.name, "succeeded", time.perf_counter() - start, instance, f"invocation={invocation_id}")
        return result, values

    async def answer(
        self,
        function: Function,
        data: Datum,
        headers: Mapping[str, str] | None = None,
        instance: str = "-",
        metadata: Mapping[str, Datum] | None = None,
        beside: Beside | None = None,
    ) -> Any:
        """The function's return value as the host needs it (`bindings.encode`), with its outputs if it has any."""
        result, values = await self._perform(function, data, headers, instance, metadata, beside or Beside())
        try:
            with containing(function.name):  # The result's class may bring its own code.
                answer = encode(function, result, values)
                if not function.outputs:
                    return answer
                outputs = encode_outputs(function, result, values)
                return Results(answer=outputs.get(RETURN) if answer is None else answer, outputs=outputs)
        except Exception as error:
            LOGGER.error("function=%s returned what cannot be sent: %s", function.name, describe(error))
            raise

    async def stream(
        self, function: Function, request: web.Request, parameters: Mapping[str, str]
    ) -> web.StreamResponse:
        """The answer of a function that takes requests of the http-fastapi extension."""

        async def call(given: Any) -> Any:
            result, _ = await self._perform(function, Ready(given), request.headers, "-", None, Beside())
            return result

        self._bridge = self._bridge or StreamBridge()
        return await self._bridge.serve(function.name, request, parameters, call)

    async def _call(self, function: Function, values: dict[str, Any]) -> Any:
        if function.is_async:  # In a task of its own, so that a function may cancel itself and nothing else.
            ending: asyncio.Future[Any] = asyncio.ensure_future(_finish(function, values))
        else:
            ending = self._threads.run(copy_context().run, _run, function, values)
        limit = None
        try:
            if self._timeout is None:
                return await ending
            async with asyncio.timeout(self._timeout.total_seconds()) as limit:
                return await ending
        except TimeoutError as error:
            if limit is None or not limit.expired():
                raise
            raise self._give_up(function) from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            # Only what the host itself cancels passes as a cancellation: an activity that cancelled itself would
            # otherwise have no answer and run again at each start.
            if task is not None and task.cancelling():
                raise
            raise CallEndedError(function.name, error) from error

    def _give_up(self, function: Function) -> FunctionTimeoutError:
        """Leave a call that takes too long. No thread can be ended, so calls from now on have threads of their own."""
        if not function.is_async:
            self.is_stuck = True
            self._threads.stop()
            self._threads = _new_threads()
        return FunctionTimeoutError(f"Timeout value of {self._timeout} exceeded by function '{function.name}'")

    def stop(self) -> None:
        self._threads.stop(forget=True)


def _new_threads() -> Threads:
    return Threads(_thread_count(), "function")


def _thread_count() -> int:
    """What the app setting says; the real worker passes over one that is no such number, with a warning."""
    text = os.environ.get(_THREADS_SETTING, str(_THREADS))
    if text.isdecimal() and int(text) > 0:
        return int(text)
    LOGGER.warning("%s is %r: use a whole number of at least 1; %d threads are used", _THREADS_SETTING, text, _THREADS)
    return _THREADS


async def _finish(function: Function, values: dict[str, Any]) -> Any:
    with containing(function.name, cancellable=True):
        return await function.code(**values)


def _run(function: Function, values: dict[str, Any]) -> Any:
    with containing(function.name):
        return function.code(**values)
