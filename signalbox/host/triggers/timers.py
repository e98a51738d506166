"""Timer triggers: fire on schedule, say when they are late, and remember across restarts what was due.

One function never overlaps itself: the next occurrence is set when the last has ended.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from azure.functions.meta import Datum

from signalbox.host.bindings import Beside, PastError, Retry
from signalbox.host.clock import Alarm, Clock
from signalbox.host.containment import describe
from signalbox.host.durable.storage.database import Storage
from signalbox.host.functions import Function
from signalbox.host.invocation import Calls
from signalbox.host.moments import from_text, to_text
from signalbox.host.triggers.ncrontab import Schedule, parse_schedule
from signalbox.host.triggers.retries import RetryPolicy, retry_policy

_LATE_SECONDS = 1.0
_OCCURRENCES = 5  # So many of a schedule are looked at, as Azure looks at them.


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A timer-triggered function and its schedule."""

    function: Function
    schedule: Schedule
    run_on_startup: bool
    is_monitored: bool  # Whether the function is told of occurrences, and a missed one is made up for.
    policy: RetryPolicy | None


def timer(function: Function) -> Timer:
    """Read a timerTrigger binding. Raises HostError on a bad schedule."""
    schedule = parse_schedule(str(function.trigger["schedule"]))
    return Timer(
        function=function,
        schedule=schedule,
        run_on_startup=bool(function.trigger.get("runOnStartup")),
        is_monitored=function.trigger.get("useMonitor") is not False and not _is_frequent(schedule),
        policy=None if function.retry is None else retry_policy(function.retry),
    )


def _is_frequent(schedule: Schedule) -> bool:
    """Whether it fires twice within a minute: Azure then keeps no monitor, whatever the binding says."""
    moments = [datetime.now(UTC)]
    for _ in range(_OCCURRENCES):
        moments.append(schedule.after(moments[-1]))
    return any(later - earlier < timedelta(minutes=1) for earlier, later in pairwise(moments[1:]))


class TimerTriggers:
    """Keeps every timer waiting at the clock."""

    def __init__(self, timers: Iterable[Timer], clock: Clock, storage: Storage, invoker: Calls) -> None:
        self._timers = list(timers)
        self._clock = clock
        self._storage = storage
        self._invoker = invoker
        self._alarms: dict[str, Alarm] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._resting: set[asyncio.Task[None]] = set()  # Those that wait for the clock before a retry.

    @property
    def idle(self) -> bool:
        return self._tasks == self._resting

    async def start(self) -> None:
        """Fire what was missed or must run at start; set the rest."""
        for timer in self._timers:
            await self._begin(timer)

    async def stop(self) -> None:
        for alarm in self._alarms.values():
            alarm.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _begin(self, timer: Timer) -> None:
        now = self._clock.now()
        rows = self._storage.read("SELECT last, next FROM schedules WHERE function = ?", timer.function.name)
        missed_at = from_text(rows[0]["next"]) if rows else None
        last = rows[0]["last"] if rows else None
        if missed_at is not None and missed_at < now and timer.is_monitored:
            self._fire(timer, missed_at, last)
        elif timer.run_on_startup:
            self._fire(timer, now, last)
        else:
            await self._wait(timer, timer.schedule.after(now), last)

    async def _wait(self, timer: Timer, due_at: datetime, last: str | None) -> None:
        values = (timer.function.name, last, to_text(due_at), to_text(self._clock.now()))
        sql = "INSERT OR REPLACE INTO schedules (function, last, next, updated) VALUES (?, ?, ?, ?)"
        await self._storage.write(lambda connection: connection.execute(sql, values))
        self._alarms[timer.function.name] = self._clock.call_at(due_at, lambda: self._fire(timer, due_at, last))

    def _fire(self, timer: Timer, due_at: datetime, last: str | None) -> None:
        task = asyncio.create_task(self._run(timer, due_at, last), name=timer.function.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run_now(self, function: Function) -> None:
        """Run a timer's function beside its schedule, which this does not change. Raises what the function raises."""
        timer = next(timer for timer in self._timers if timer.function.name == function.name)
        rows = self._storage.read("SELECT last FROM schedules WHERE function = ?", function.name)
        now = self._clock.now()
        await self._invoke(timer, now, rows[0]["last"] if rows else None, late=False)

    async def _run(self, timer: Timer, due_at: datetime, last: str | None) -> None:
        now = self._clock.now()
        late = timer.is_monitored and (now - due_at).total_seconds() > _LATE_SECONDS
        # The invoker has logged a failure, and the timer goes on all the same: a schedule does not end with one bad
        # run.
        await asyncio.gather(self._invoke_with_retries(timer, due_at, last, late=late), return_exceptions=True)
        # Both moments, since a run that lasted past its next occurrence does not make it up, and a clock that was set
        # back must not repeat one.
        following = max(timer.schedule.after(now), timer.schedule.after(self._clock.now()))
        await self._wait(timer, following, to_text(now))

    async def _invoke_with_retries(self, timer: Timer, due_at: datetime, last: str | None, *, late: bool) -> None:
        most = timer.policy.most if timer.policy else 0
        retry = Retry(max_retry_count=most)
        while True:
            try:
                return await self._invoke(timer, due_at, last, late=late, retry=retry)
            except Exception as error:
                number = retry.retry_count + 1
                if timer.policy is None or not timer.policy.allows(number):
                    raise
                past = PastError(message=describe(error))
                retry = Retry(retry_count=number, max_retry_count=most, exception=past)
            await self._rest(timer, timer.policy.pause(number))

    async def _rest(self, timer: Timer, pause: timedelta) -> None:
        """Wait until the clock is *pause* further on."""
        (task,) = [task for task in self._tasks if task.get_name() == timer.function.name]
        is_over = asyncio.Event()

        def end() -> None:
            self._resting.discard(task)
            is_over.set()

        self._resting.add(task)
        self._alarms[timer.function.name] = self._clock.call_at(self._clock.now() + pause, end)
        await is_over.wait()

    async def _invoke(
        self, timer: Timer, due_at: datetime, last: str | None, *, late: bool, retry: Retry | None = None
    ) -> None:
        now = self._clock.now()
        status = {
            "Last": last or to_text(due_at),
            "Next": to_text(timer.schedule.after(now)),
            "LastUpdated": to_text(now),
        }
        told = status if timer.is_monitored else None
        info = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": told, "IsPastDue": late}
        beside = Beside(retry=retry or Retry())
        await self._invoker.answer(timer.function, Datum(json.dumps(info), "json"), beside=beside)
