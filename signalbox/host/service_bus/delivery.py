"""What happens to messages between receiving and settling: a call, kept locks, settlement."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signalbox.host.invocation import Calls
from signalbox.host.log import LOGGER
from signalbox.host.service_bus import metadata
from signalbox.host.service_bus.binding import Source
from signalbox.host.settings import ServiceBusSettings

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage
    from azure.servicebus.aio import ServiceBusReceiver


class Delivery:
    """One call of the function for *messages* (one, or a batch), and the settlement that follows from it."""

    def __init__(
        self,
        source: Source,
        receiver: ServiceBusReceiver,
        messages: Sequence[ServiceBusReceivedMessage],
        settings: ServiceBusSettings,
    ) -> None:
        self._source, self._receiver, self.messages, self._settings = source, receiver, messages, settings
        self._keep_until = datetime.now(UTC) + settings.renew_for
        self._lock = _longest_lock(receiver, messages)

    def call(self, invoker: Calls) -> asyncio.Task[Any]:
        """Begin the function."""
        data, fields = (
            metadata.batch_datum(self.messages) if self._source.is_batch else metadata.message_datum(self.messages[0])
        )
        return asyncio.ensure_future(invoker.answer(self._source.function, data, metadata=fields))

    @property
    def patience(self) -> float:
        """Seconds until a lock should be renewed."""
        # A look each third, and renewal from the half on (`_due`): the worst case finds the lock just above its half,
        # and the next look comes with a sixth of it left.
        return max(self._lock.total_seconds() / 3, 0.1)

    async def keep(self) -> None:
        """Renew the locks that have used half of their time, for as long as the settings allow."""
        if datetime.now(UTC) >= self._keep_until:
            return
        session = self._receiver.session
        if session is not None:
            if _due(session.locked_until_utc, self._lock):
                await session.renew_lock()
            return
        for message in self.messages:
            if _due(message.locked_until_utc, self._lock):
                await self._receiver.renew_message_lock(message)

    async def settle(self, failed: bool) -> None:
        """Complete what succeeded, abandon what failed. What cannot be settled comes again when its lock runs out."""
        from azure.servicebus.exceptions import ServiceBusError

        if not self._settings.complete:
            return
        settle = self._receiver.abandon_message if failed else self._receiver.complete_message
        for message in self.messages:
            try:
                await settle(message)
            except (ServiceBusError, ValueError) as error:
                name = self._source.function.name
                LOGGER.warning("function=%s message=%s is not settled: %s", name, message.message_id, error)


def _longest_lock(receiver: ServiceBusReceiver, messages: Sequence[ServiceBusReceivedMessage]) -> timedelta:
    session = receiver.session
    lock_ends = (
        [session.locked_until_utc] if session is not None else [message.locked_until_utc for message in messages]
    )
    remaining = [end - datetime.now(UTC) for end in lock_ends if end is not None]
    # The broker says when a lock ends and not how long it is. What is left of the freshest one comes nearest to that.
    return max(remaining, default=timedelta(seconds=30))


def _due(locked_until: datetime | None, lock: timedelta) -> bool:
    return locked_until is not None and locked_until - datetime.now(UTC) < lock / 2
