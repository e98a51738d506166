"""Run a function app inside a test: a real host on a free port, with a clock the test moves.

async with LocalHost(app_folder, state_folder, clock=VirtualClock()) as host:
    await host.start("orchestrator", "id-1", {"any": "input"})
    await host.advance(timedelta(days=1))
    assert (await host.wait("id-1")).output == "done"
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum

from signalbox.host.clock import Clock, VirtualClock
from signalbox.host.durable.model import InstanceRow, Kind
from signalbox.host.durable.storage.database import Synchronous
from signalbox.host.server import FunctionsHost, HostOptions

_PATIENCE = 60.0  # Real seconds: on a machine that is busy with other tests everything takes several times as long.


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An instance as a test sees it; input, output and custom status are decoded."""

    instance_id: str
    status: str
    output: Any
    custom_status: Any


class LocalHost:
    """A running host. *app* is a folder with function_app.py or a FunctionApp instance."""

    def __init__(
        self,
        app: Path | str | func.FunctionApp,
        state: Path | str,
        *,
        clock: Clock | None = None,
        port: int = 0,
        synchronous: Synchronous = "NORMAL",
        strict_replay: bool = True,
    ) -> None:
        """A test is told of inputs that differ at a replay, which `strict_replay=False` tolerates, as Azure does."""
        function_app = None if isinstance(app, (str, Path)) else app
        folder = Path(state) if function_app is not None else Path(str(app))
        options = HostOptions(
            app=folder.resolve(),
            state=Path(state),
            port=port,
            synchronous=synchronous,
            strict_replay=strict_replay,
        )
        self.clock = clock or VirtualClock()
        self.host = FunctionsHost(options, clock=self.clock, app=function_app)

    async def __aenter__(self) -> LocalHost:
        await self.host.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.host.stop()

    @property
    def url(self) -> str:
        """Where HTTP is served, for example http://127.0.0.1:40001."""
        return self.host.url

    def client_binding(self) -> str:
        """The text from which the SDK builds a DurableOrchestrationClient."""
        return self.host.client_binding()

    async def start(self, name: str, instance_id: str | None = None, input_: Any = None) -> str:
        """Start an orchestration with the input an SDK client would send; returns its id."""
        text = None if input_ is None else json.dumps(json.dumps(input_))
        return await self.host.client.start(name, instance_id, text)

    async def raise_event(self, instance_id: str, name: str, data: Any = None) -> None:
        """Raise an external event that arrives as *data*."""
        await self.host.client.raise_event(instance_id, name, json.dumps(data))

    async def terminate(self, instance_id: str, reason: str = "") -> None:
        """End the instance, and return once it has ended: the host accepts it before. Raises TimeoutError."""
        await self.host.client.control(instance_id, Kind.TERMINATE, reason)
        await self.wait(instance_id)

    def get(self, instance_id: str) -> Outcome:
        """The instance now. Raises NotFoundError."""
        return _outcome(self.host.client.get(instance_id))

    async def wait(self, instance_id: str, timeout: float = _PATIENCE) -> Outcome:
        """The instance once it has finished. Raises TimeoutError after *timeout* real seconds."""
        async with asyncio.timeout(timeout):
            return _outcome(await self.host.client.wait(instance_id))

    async def settle(self, timeout: float = _PATIENCE) -> None:
        """Return when nothing will happen before the clock moves. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            loop, quiet = asyncio.get_running_loop(), 0
            start = loop.time()
            while quiet < 3:  # A callback may be queued in the event loop.
                quiet = quiet + 1 if self.host.idle else 0
                # A tenth of the time so far is little delay, and a long wait does not look a thousand times a second.
                pause = min(max((loop.time() - start) / 10, 0.001), 0.02)
                await asyncio.sleep(0 if self.host.idle else pause)

    async def advance(self, by: timedelta, timeout: float = _PATIENCE) -> None:
        """Let *by* pass: every timer on the way fires at its own moment, and all work settles in between."""
        clock = self._virtual_clock()
        target = clock.now() + by
        await self.settle(timeout)
        while (next_alarm := clock.next_alarm()) is not None and next_alarm <= target:
            clock.advance_to(next_alarm)
            await self.settle(timeout)
        clock.advance_to(target)

    async def advance_until_finished(
        self, instance_id: str, limit: timedelta = timedelta(days=3650), timeout: float = _PATIENCE
    ) -> Outcome:
        """Jump from timer to timer until the instance has finished. Raises TimeoutError past *limit*."""
        clock = self._virtual_clock()
        last: datetime = clock.now() + limit
        await self.settle(timeout)
        while not self.host.client.get(instance_id).finished:
            next_alarm = clock.next_alarm()
            if next_alarm is None or next_alarm > last:
                raise TimeoutError(f"{instance_id} does not finish: it waits for something other than time")
            clock.advance_to(next_alarm)
            await self.settle(timeout)
        return self.get(instance_id)

    def _virtual_clock(self) -> VirtualClock:
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("the clock is real and cannot be moved: pass clock=VirtualClock()")
        return self.clock

    async def call(self, function: str, data: Datum) -> Any:
        """Invoke one function with trigger data, without HTTP."""
        return await self.host.invoker.invoke(self.host.functions[function], data)


def _outcome(row: InstanceRow) -> Outcome:
    def decoded(text: str | None) -> Any:
        return None if text is None else json.loads(text)

    return Outcome(
        instance_id=row.instance_id,
        status=str(row.status),
        output=decoded(row.output),
        custom_status=decoded(row.custom_status),
    )
