"""Run queued activities, so many at once, and turn how they end into answers for their orchestration."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from signalbox.host.containment import ProcessEndedError, describe
from signalbox.host.durable.attempts import Attempts, Strikes
from signalbox.host.durable.history import Code, Event, event
from signalbox.host.durable.model import ActivityRow, Kind, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """An activity has done a part of its work: the rest is to run with this input, so much later."""

    input: str
    delay: timedelta


ActivityFunction = Callable[[ActivityRow], Awaitable[str | Postponed]]
"""Runs one activity on JSON text and returns JSON text; its exceptions fail the task."""

# Some and not none: with none, callers that never stop would stop the flow behind them (tests/host/test_crowd.py).
_IN_A_CROWD = 2


class ActivityQueue:
    """At-least-once: a row is gone only when the answer is stored.

    Work that has ended the host's process runs alone, before everything else; work that did it again is not run, and
    its failure is the answer.

    While callers wait (*is_crowded*), few begin: under one interpreter lock they would only be slower together, and the
    callers with them.
    """

    def __init__(
        self,
        functions: Mapping[str, ActivityFunction],
        limit: int,
        answer: Callable[[Message], Awaitable[None]],
        is_crowded: Callable[[], bool],
        attempts: Attempts,
        postpone: Callable[[ActivityRow, Postponed], Awaitable[None]],
    ) -> None:
        """*answer* takes how an activity has ended; *postpone* stores what is left to do, and puts it here again."""
        self._attempts = attempts
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._limit = limit
        self._answer = answer
        self._postpone = postpone
        self._is_crowded = is_crowded
        self._queue: deque[ActivityRow] = deque()
        self._suspects: deque[ActivityRow] = deque()
        self._alone = False
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._is_filling = False

    @property
    def idle(self) -> bool:
        return not self._queue and not self._suspects and not self._running

    def put(self, rows: Iterable[ActivityRow]) -> None:
        """Queue activities whose rows are written."""
        for row in rows:
            queue = self._suspects if self._attempts.strikes(row).is_suspect else self._queue
            queue.append(row)
        self._fill_soon()

    async def stop(self, grace: float) -> None:
        """Start no more; wait up to *grace* seconds for those in progress. The others run again next time."""
        self._stopping = True
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _fill_soon(self) -> None:
        """Begin what may begin, once for all that happens in this turn of the event loop: one write marks it all."""
        if not self._is_filling:
            self._is_filling = True
            asyncio.get_running_loop().call_soon(self._fill)

    def _fill(self) -> None:
        self._is_filling = False
        rows = []
        while not self._stopping and (row := self._next()) is not None:
            task = asyncio.ensure_future(self._run(row))
            self._running.add(task)
            task.add_done_callback(self._finish)
            rows.append(row)
        # None of the tasks has run yet: the marks are written before any of the activities begins.
        self._attempts.begin([row for row in rows if not self._attempts.strikes(row).is_convicted])

    def _next(self) -> ActivityRow | None:
        if self._suspects:
            self._alone = not self._running
            return self._suspects.popleft() if self._alone else None
        if self._alone or not self._queue or len(self._running) >= self._room():
            return None
        return self._queue.popleft()

    def _room(self) -> int:
        """How many activities may run now; asked again whenever one ends, so that all begin once the crowd is gone."""
        return min(self._limit, _IN_A_CROWD) if self._is_crowded() else self._limit

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._alone = self._alone and bool(self._running)
        self._fill_soon()

    async def _run(self, row: ActivityRow) -> None:
        try:
            result = await self._attempt(row)
        except ProcessEndedError:
            self._again(row)
            return
        except Exception as error:
            body = _failure(row, error)
        else:
            if isinstance(result, Postponed):
                await self._postpone(row, result)
                return
            body = event(Code.TASK_COMPLETED, "", TaskScheduledId=row.task_id, Result=result)
        message = Message(
            instance_id=row.instance_id,
            execution_id=row.execution_id,
            kind=Kind.ANSWER,
            body=body,
            activity_id=row.id,
        )
        await self._answer(message)

    def _again(self, row: ActivityRow) -> None:
        """Its worker has ended: it is tried again, alone once it is suspected, and failed once it is convicted."""
        (self._suspects if self._attempts.strikes(row).is_suspect else self._queue).append(row)

    async def _attempt(self, row: ActivityRow) -> str | Postponed:
        strikes = self._attempts.strikes(row)
        if strikes.is_convicted:
            raise ConvictedError(strikes)
        has_finished = True
        try:
            return await self._call(row)
        # Only `stop` cancels, and the row stays for the next start. A stop is no success, so earlier strikes against
        # the work stay too.
        except asyncio.CancelledError:
            has_finished = False
            raise
        except ProcessEndedError as error:
            has_finished = False
            self._attempts.blame(row, error.cause, alone=len(self._running) == 1)
            raise
        finally:
            self._attempts.end(row, finished=has_finished)

    async def _call(self, row: ActivityRow) -> str | Postponed:
        function = self._functions.get(row.name.lower())
        if function is None:
            raise LookupError(f"the app has no activity {row.name!r} any more")
        return await function(row)


class ConvictedError(Exception):
    """This work has ended the host's process too often to be tried again."""

    def __init__(self, strikes: Strikes) -> None:
        super().__init__(f"{strikes}. It is not tried again")


def _failure(row: ActivityRow, error: Exception) -> Event:
    reason = f"Activity function '{row.name}' failed: {describe(error)}"
    details = "".join(traceback.format_exception(error))
    return event(Code.TASK_FAILED, "", TaskScheduledId=row.task_id, Reason=reason, Details=details)
