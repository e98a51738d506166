"""The queue trigger: messages are taken, kept invisible while their function runs, and deleted or given back.

Source: QueueListener and QueueProcessor of the storage extension of azure-webjobs-sdk.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from azure.functions.meta import Datum

from signalbox.host.azure_storage import messages
from signalbox.host.containment import describe
from signalbox.host.log import LOGGER
from signalbox.host.service_bus.pump import unless
from signalbox.host.settings import QueueSettings

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

_FIRST_PAUSE_S = 0.1
_INVISIBLE_S = 600  # A message is kept for so long, and again each time when half of it is over.

Handle = Callable[[Datum, Mapping[str, Datum]], Awaitable[object]]
"""Runs the function for one message; raises where it fails."""


class QueueListener:
    """Works on one queue until it is told to stop; what fails too often goes to *poison*."""

    def __init__(self, queue: QueueClient, poison: QueueClient, settings: QueueSettings, handle: Handle) -> None:
        self._queue, self._poison, self._settings, self._handle = queue, poison, settings, handle
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return not self._running

    def start(self) -> None:
        self._work = asyncio.ensure_future(self._listen())

    async def stop(self, grace: float) -> None:
        """Take no more. Running calls have *grace* seconds; the other messages are visible again later."""
        self._stopping.set()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        tasks = [task for task in (*self._running, self._work) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        pause, longest = _FIRST_PAUSE_S, self._settings.longest_pause.total_seconds()
        while not self._stopping.is_set():
            batch = await self._take()
            for message in batch:
                task = asyncio.ensure_future(self._process(message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            pause = _FIRST_PAUSE_S if batch else min(pause * random.uniform(1.5, 2.5), longest)
            if not batch:
                await unless(self._stopping, asyncio.sleep(pause))
            while len(self._running) > self._settings.threshold and not self._stopping.is_set():
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _take(self) -> list[QueueMessage]:
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        size = self._settings.batch
        pages = self._queue.receive_messages(max_messages=size, messages_per_page=size, visibility_timeout=_INVISIBLE_S)
        try:
            return [message async for message in pages]
        except ResourceNotFoundError:  # Somebody may make the queue later.
            return []
        except AzureError as error:
            LOGGER.warning("queue=%s cannot be read: %s", self._queue.queue_name, error)
            return []

    async def _process(self, message: QueueMessage) -> None:
        keeping = asyncio.ensure_future(self._keep(message))
        try:
            await self._settle(message, keeping)
        except Exception as error:  # The message comes again once its time is over.
            LOGGER.warning("queue=%s message=%s is not settled: %s", self._queue.queue_name, message.id, error)
        finally:
            keeping.cancel()

    async def _settle(self, message: QueueMessage, keeping: asyncio.Task[None]) -> None:
        try:
            content = messages.decoded(message.content, as_base64=self._settings.base64)
        except ValueError as error:
            LOGGER.error("queue=%s message=%s: %s", self._queue.queue_name, message.id, error)
            await self._bury(message)
            return
        count, most = message.dequeue_count or 0, self._settings.most_dequeues
        if count <= most and await self._succeeds(message, content):
            keeping.cancel()
            await self._queue.delete_message(message.id, message.pop_receipt)
        elif count >= most:
            keeping.cancel()
            await self._bury(message)
        else:
            keeping.cancel()
            pause_s = int(self._settings.visibility.total_seconds())
            await self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=pause_s)

    async def _succeeds(self, message: QueueMessage, content: bytes) -> bool:
        data = messages.datum(content)
        try:
            await self._handle(data, messages.metadata(message, data))
        except Exception as error:
            LOGGER.debug("queue=%s message=%s: %s", self._queue.queue_name, message.id, describe(error))
            return False
        return True

    async def _bury(self, message: QueueMessage) -> None:
        await messages.put(self._poison, message.content)
        await self._queue.delete_message(message.id, message.pop_receipt)
        LOGGER.warning("queue=%s message=%s is in %s now", self._queue.queue_name, message.id, self._poison.queue_name)

    async def _keep(self, message: QueueMessage) -> None:
        while True:
            await asyncio.sleep(_INVISIBLE_S / 2)
            kept = await self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=_INVISIBLE_S)
            message.pop_receipt = kept.pop_receipt
