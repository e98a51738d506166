"""One receiver at work: take messages, call the function, keep the locks meanwhile, settle.

One task uses the receiver, because the client's is not made for more; only the functions run beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from signalbox.host.service_bus.binding import Source
from signalbox.host.service_bus.delivery import Delivery
from signalbox.host.settings import ServiceBusSettings

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage
    from azure.servicebus.aio import ServiceBusReceiver

_LONG_S, _SHORT_S = 60.0, 0.05  # How long to wait for a first message, and for more while functions run.

T = TypeVar("T")
Begin = Callable[[Delivery], "asyncio.Task[Any]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """*calls* at once; stop after *idle_s* without a message (None: never)."""

    calls: int
    idle_s: float | None = None


class Pump:
    """*begin* starts the function for a delivery; *stopping* is set when no more may be taken."""

    def __init__(
        self,
        source: Source,
        receiver: ServiceBusReceiver,
        begin: Begin,
        settings: ServiceBusSettings,
        stopping: asyncio.Event,
    ) -> None:
        self._source, self._receiver, self._begin = source, receiver, begin
        self._settings, self._stopping = settings, stopping
        self._running: dict[asyncio.Task[Any], Delivery] = {}

    async def run(self, limits: Limits) -> None:
        """Work until told to stop or idle for too long. Raises what the client raises."""
        while self._running or not self._stopping.is_set():
            free = 0 if self._stopping.is_set() else limits.calls - len(self._running)
            if free:
                messages = await self._take(free, limits.idle_s or _LONG_S)
                if not (messages or self._running) and limits.idle_s is not None:
                    return
                self._start(messages)
            if self._running:
                await self._finish(_SHORT_S if free > len(self._running) else None)

    async def _take(self, free: int, patience: float) -> Sequence[ServiceBusReceivedMessage]:
        if self._source.is_batch:
            return await self._receive(self._settings.batch, _SHORT_S if self._running else patience)
        if self._running:
            return await self._receive(free, _SHORT_S)
        first = await self._receive(1, patience)
        other_messages = await self._receive(free - 1, _SHORT_S) if first and free > 1 else []
        return [*first, *other_messages]

    async def _receive(self, count: int, patience: float) -> Sequence[ServiceBusReceivedMessage]:
        return await unless(self._stopping, self._receiver.receive_messages(count, max_wait_time=patience)) or []

    def _start(self, messages: Sequence[ServiceBusReceivedMessage]) -> None:
        calls = [messages] if self._source.is_batch and messages else [[message] for message in messages]
        for batch in calls:
            delivery = Delivery(self._source, self._receiver, batch, self._settings)
            self._running[self._begin(delivery)] = delivery

    async def _finish(self, at_most: float | None) -> None:
        """Wait a while for functions to end and settle those that did; the others keep their locks."""
        patience = min(delivery.patience for delivery in self._running.values())
        return_when = asyncio.ALL_COMPLETED if at_most else asyncio.FIRST_COMPLETED
        finished_calls, _ = await asyncio.wait(
            self._running, timeout=min(at_most or patience, patience), return_when=return_when
        )
        for call in finished_calls:
            await self._running.pop(call).settle(failed=call.cancelled() or call.exception() is not None)
        for delivery in self._running.values():
            await delivery.keep()


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of *work*, or None as soon as *stopping* is set: then *work* is cancelled."""
    task, stop = asyncio.ensure_future(work), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stop.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
