"""Durable timers of all instances, waiting at the clock. Their rows are the storage's; this only rings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from signalbox.host.clock import Alarm, Clock
from signalbox.host.durable.history import Code, event
from signalbox.host.durable.model import Kind, Message, TimerRow
from signalbox.host.moments import from_text


class DurableTimers:
    """Posts a TimerFired answer when a timer is due."""

    def __init__(self, clock: Clock, post: Callable[[Message], None]) -> None:
        self._clock = clock
        self._post = post
        self._alarms: dict[str, dict[int, Alarm]] = defaultdict(dict)

    def set(self, timer: TimerRow) -> None:
        alarm = self._clock.call_at(from_text(timer.fire_at), lambda: self._fire(timer))
        self._alarms[timer.instance_id][timer.task_id] = alarm

    def cancel(self, instance_id: str, task_id: int) -> None:
        alarm = self._alarms.get(instance_id, {}).pop(task_id, None)
        if alarm is not None:
            alarm.cancel()

    def cancel_all(self, instance_id: str) -> None:
        for alarm in self._alarms.pop(instance_id, {}).values():
            alarm.cancel()

    def stop(self) -> None:
        for instance_id in list(self._alarms):
            self.cancel_all(instance_id)

    def _fire(self, timer: TimerRow) -> None:
        # The answer is not stored: the timer's row stays until a step has taken it, and a restart rings again.
        body = event(Code.TIMER_FIRED, timer.fire_at, TimerId=timer.task_id, FireAt=timer.fire_at)
        self._post(Message(instance_id=timer.instance_id, execution_id=timer.execution_id, kind=Kind.ANSWER, body=body))
