"""The receivers: one for each queue or subscription, or one for each session that is held."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from signalbox.host.invocation import Calls
from signalbox.host.log import LOGGER
from signalbox.host.service_bus.binding import Source, connect
from signalbox.host.service_bus.delivery import Delivery
from signalbox.host.service_bus.pump import Limits, Pump, unless
from signalbox.host.settings import ServiceBusSettings

if TYPE_CHECKING:
    from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

_SEEK_S = 60.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0

Receive = Callable[[Source, "ServiceBusClient"], Awaitable[None]]


class ServiceBusTriggers:
    """Every serviceBusTrigger of the app, between `start` and `stop`."""

    def __init__(self, sources: Iterable[Source], invoker: Calls, settings: ServiceBusSettings) -> None:
        self._environment = dict(os.environ)
        self._sources = list(sources)
        self._invoker, self._settings = invoker, settings
        self._listening: set[asyncio.Task[None]] = set()
        self._calls = 0
        self._stopping = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether no function runs because of a message."""
        return self._calls == 0

    def start(self) -> None:
        for source in self._sources:
            receive = self._receive_sessions if source.sessions else self._receive_messages
            self._listening.add(asyncio.ensure_future(self._again_and_again(source, receive)))

    async def stop(self, grace: float) -> None:
        """Take no more messages. Running calls have *grace* seconds to be settled; the broker redelivers the others."""
        self._stopping.set()
        if self._listening:
            await asyncio.wait(self._listening, timeout=grace)
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

    async def _again_and_again(self, source: Source, receive: Receive) -> None:
        """Keep receiving; after an error of the connection wait, longer each time, and connect anew."""
        pause = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            start = asyncio.get_running_loop().time()
            try:
                async with connect(source.connection, self._environment) as client:
                    await receive(source, client)
            except Exception as error:
                LOGGER.warning("function=%s cannot receive from %s: %s", source.function.name, source.address, error)
                was_stable = asyncio.get_running_loop().time() - start > _LONGEST_PAUSE_S
                pause = _FIRST_PAUSE_S if was_stable else min(pause * 2, _LONGEST_PAUSE_S)
                await unless(self._stopping, asyncio.sleep(pause))

    async def _receive_messages(self, source: Source, client: ServiceBusClient) -> None:
        async with source.receiver(client) as receiver:
            await self._pump(source, receiver).run(Limits(calls=1 if source.is_batch else self._settings.calls))

    async def _receive_sessions(self, source: Source, client: ServiceBusClient) -> None:
        """Hold as many sessions as allowed; a single receiver looks for the next, whatever is held."""
        free, tasks = asyncio.Semaphore(self._settings.sessions), set[asyncio.Task[None]]()
        try:
            while not self._stopping.is_set():
                await unless(self._stopping, free.acquire())
                receiver = await unless(self._stopping, self._next_session(source, client))
                if receiver is None:
                    free.release()
                    continue
                task = asyncio.ensure_future(self._hold(source, receiver))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                task.add_done_callback(lambda _: free.release())
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _next_session(self, source: Source, client: ServiceBusClient) -> ServiceBusReceiver | None:
        from azure.servicebus import NEXT_AVAILABLE_SESSION
        from azure.servicebus.exceptions import OperationTimeoutError, SessionCannotBeLockedError

        receiver = source.receiver(client, session_id=NEXT_AVAILABLE_SESSION, max_wait_time=_SEEK_S)
        try:
            await receiver.__aenter__()
        except (OperationTimeoutError, SessionCannotBeLockedError):
            await receiver.close()
            return None
        return receiver

    async def _hold(self, source: Source, receiver: ServiceBusReceiver) -> None:
        """Work through a session until nothing more comes for as long as the settings say."""
        try:
            await self._pump(source, receiver).run(Limits(calls=1, idle_s=self._settings.session_idle.total_seconds()))
        except Exception as error:
            LOGGER.warning("function=%s lost a session of %s: %s", source.function.name, source.address, error)
        finally:
            await receiver.close()

    def _pump(self, source: Source, receiver: ServiceBusReceiver) -> Pump:
        return Pump(source, receiver, self._begin, self._settings, self._stopping)

    def _begin(self, delivery: Delivery) -> asyncio.Task[Any]:
        self._calls += 1
        call = delivery.call(self._invoker)
        call.add_done_callback(self._note_end)
        return call

    def _note_end(self, call: asyncio.Task[Any]) -> None:
        del call
        self._calls -= 1
