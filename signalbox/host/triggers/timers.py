"""Timer triggers: fire on schedule, say when they are late, and remember across restarts what was due.

One function never overlaps itself: the next occurrence is set when the last has ended.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from azure.functions.meta import Datum

from signalbox.host.clock import Alarm, Clock
from signalbox.host.durable.storage.database import Storage
from signalbox.host.functions import Function
from signalbox.host.invocation import Invoker
from signalbox.host.moments import from_text, to_text
from signalbox.host.triggers.ncrontab import Schedule, parse_schedule

_LATE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A timer-triggered function and its schedule."""

    function: Function
    schedule: Schedule
    run_on_startup: bool


def timer(function: Function, settings: dict[str, str]) -> Timer:
    """Read a timerTrigger binding; `%NAME%` as schedule is an app setting. Raises HostError on a bad schedule."""
    text = str(function.trigger["schedule"])
    if text.startswith("%") and text.endswith("%"):
        text = settings.get(text.strip("%"), text)
    return Timer(
        function=function,
        schedule=parse_schedule(text),
        run_on_startup=bool(function.trigger.get("runOnStartup")),
    )


class TimerTriggers:
    """Keeps every timer waiting at the clock."""

    def __init__(self, timers: Iterable[Timer], clock: Clock, storage: Storage, invoker: Invoker) -> None:
        self._timers = list(timers)
        self._clock = clock
        self._storage = storage
        self._invoker = invoker
        self._alarms: dict[str, Alarm] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        return not self._tasks

    async def start(self) -> None:
        """Fire what was missed or must run at start; set the rest."""
        for one in self._timers:
            await self._begin(one)

    async def stop(self) -> None:
        for alarm in self._alarms.values():
            alarm.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _begin(self, one: Timer) -> None:
        now = self._clock.now()
        found = self._storage.read("SELECT last, next FROM schedules WHERE function = ?", one.function.name)
        missed = from_text(found[0]["next"]) if found else None
        last = found[0]["last"] if found else None
        if missed is not None and missed < now:
            self._fire(one, missed, last)
        elif one.run_on_startup:
            self._fire(one, now, last)
        else:
            await self._wait(one, one.schedule.after(now), last)

    async def _wait(self, one: Timer, due: datetime, last: str | None) -> None:
        values = (one.function.name, last, to_text(due), to_text(self._clock.now()))
        sql = "INSERT OR REPLACE INTO schedules (function, last, next, updated) VALUES (?, ?, ?, ?)"
        await self._storage.write(lambda connection: connection.execute(sql, values))
        self._alarms[one.function.name] = self._clock.call_at(due, lambda: self._fire(one, due, last))

    def _fire(self, one: Timer, due: datetime, last: str | None) -> None:
        task = asyncio.ensure_future(self._run(one, due, last))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, one: Timer, due: datetime, last: str | None) -> None:
        now = self._clock.now()
        following = one.schedule.after(now)
        status = {"Last": last or to_text(due), "Next": to_text(following), "LastUpdated": to_text(now)}
        late = (now - due).total_seconds() > _LATE_SECONDS
        info = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": late}
        await asyncio.gather(
            self._invoker.invoke(one.function, Datum(json.dumps(info), "json")), return_exceptions=True
        )
        await self._wait(one, max(following, one.schedule.after(self._clock.now())), to_text(now))
