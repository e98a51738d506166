"""The host's clocks: the real one, and one that tests move by hand.

Both call back at a moment; nothing in the host sleeps for its own sake.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

_LONGEST_NAP = timedelta(minutes=10)  # Within this time the host notices that the wall clock was set.


class Alarm:
    """A callback that waits for its moment; `cancel` makes it never happen."""

    __slots__ = ("_callback", "is_cancelled", "moment")

    def __init__(self, moment: datetime, callback: Callable[[], None]) -> None:
        self.moment = moment
        self._callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def ring(self) -> None:
        if not self.is_cancelled:
            self.is_cancelled = True
            self._callback()


class Clock(Protocol):
    """What the host needs of a clock. Times are aware and in UTC."""

    def now(self) -> datetime: ...

    def call_at(self, moment: datetime, callback: Callable[[], None]) -> Alarm: ...


class RealClock:
    """The machine's clock; callbacks run on the current event loop."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def call_at(self, moment: datetime, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(moment, callback)
        self._nap(alarm)
        return alarm

    def _nap(self, alarm: Alarm) -> None:
        if alarm.is_cancelled:
            return
        remaining = alarm.moment - self.now()
        loop = asyncio.get_running_loop()
        if remaining <= timedelta(0):
            loop.call_soon(alarm.ring)
        else:
            loop.call_later(min(remaining, _LONGEST_NAP).total_seconds(), self._nap, alarm)


class VirtualClock:
    """A clock that stands still until `advance_to`; callbacks ring in order of their moments."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._heap: list[tuple[datetime, int, Alarm]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    def call_at(self, moment: datetime, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(moment, callback)
        heapq.heappush(self._heap, (moment, next(self._order), alarm))
        return alarm

    def next_alarm(self) -> datetime | None:
        """The earliest moment something waits for, or None."""
        while self._heap and self._heap[0][2].is_cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def advance_to(self, moment: datetime) -> None:
        """Set the time and ring every alarm that is due, the earliest first. The time never goes back."""
        self._now = max(self._now, moment)
        while (next_alarm := self.next_alarm()) is not None and next_alarm <= self._now:
            heapq.heappop(self._heap)[2].ring()
