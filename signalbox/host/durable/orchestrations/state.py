"""One orchestration instance in memory: a fold over its history, so that a restart rebuilds it exactly.

It numbers tasks the way the SDK does: one sequence over actions and the timers and attempts of retries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from signalbox.host.durable.history import ANSWERS, FAILURES, OPENING, UNREAD, Code, Event, from_line, to_line
from signalbox.host.durable.model import InstanceRow
from signalbox.host.durable.orchestrations.actions import ENTITY, Trace


@dataclass(slots=True, kw_only=True)
class Retry:
    """A task with retries: its first event, and how many attempts have begun."""

    first: Event
    attempts: int = 1

    @property
    def options(self) -> Mapping[str, Any]:
        options: Mapping[str, Any] = self.first["RetryOptions"]
        return options

    @property
    def exhausted(self) -> bool:
        return self.attempts >= int(self.options["maxNumberOfAttempts"])


class Session(Protocol):
    """An orchestrator that waits in memory for its next events."""

    def resume(self, events: str) -> str:
        """Go on with *events* (a JSON array); returns the orchestrator state with the new actions alone."""
        ...

    @property
    def is_waiting(self) -> bool: ...

    @property
    def timer_cancellations(self) -> Sequence[bool]:
        """For every timer so far, in order, whether it is cancelled."""
        ...

    def close(self) -> None:
        """End the orchestrator's generator, whose `finally` blocks run."""
        ...


@dataclass(slots=True, kw_only=True)
class Instance:
    """The row, the stored history lines, those of them the SDK reads, and what follows from them.

    *session* alone does not follow from the history: without it the next step replays. It has seen the first
    *shown_count* of the lines that the SDK reads. *is_checked* says that some steps replay although there is one."""

    row: InstanceRow
    lines: list[str] = field(default_factory=list)
    sdk_lines: list[str] = field(default_factory=list)
    steps: int = 0
    started: bool = False
    next_id: int = 0
    traces: list[Trace] = field(default_factory=list)
    timer_numbers: list[int] = field(default_factory=list)
    open_tasks: dict[int, Event] = field(default_factory=dict)
    retries: dict[int, Retry] = field(default_factory=dict)
    waits: Counter[str] = field(default_factory=Counter)
    wait_names: dict[str, str] = field(default_factory=dict)
    entity_calls: dict[str, int] = field(default_factory=dict)
    context_fields: Mapping[str, Any] = field(default_factory=dict)  # What the SDK is told beside the usual.
    session: Session | None = None
    shown_count: int = 0
    is_checked: bool = True

    @classmethod
    def load(cls, row: InstanceRow, steps: list[str]) -> Instance:
        """Rebuild from the stored history: one text per step, one line per event."""
        instance = cls(row=row)
        for text in steps:
            for line in text.split("\n"):
                instance._keep(from_line(line), line)
            instance.steps += 1
        return instance

    def append(self, entry: Event) -> None:
        """Add an event to the history and draw its consequences."""
        self._keep(entry, to_line(entry))

    def _keep(self, entry: Event, line: str) -> None:
        self.lines.append(line)
        if entry["EventType"] not in UNREAD:
            self.sdk_lines.append(line)
        self._fold(entry)

    def _fold(self, entry: Event) -> None:
        code = entry["EventType"]
        if code in OPENING:
            self._open(entry)
        elif code in ANSWERS:
            self._close(entry, entry[ANSWERS[code]])
        elif code == Code.EVENT_RAISED:
            self._add_raised_event(entry["Name"])
        elif code == Code.GENERIC_EVENT:
            self._waiting(entry["Name"])
        elif code == Code.EXECUTION_STARTED:
            self.started = True

    def _open(self, entry: Event) -> None:
        number = entry["EventId"]
        self.next_id = max(self.next_id, number + 1)
        if not entry.get("Signal"):
            self.open_tasks[number] = entry
        if "RetryOf" in entry:
            self._continue_retry(entry)
            return
        self.traces.append(_TRACES[entry["EventType"]](entry))
        if entry["EventType"] == Code.TIMER_CREATED:
            self.timer_numbers.append(number)
        if "RetryOptions" in entry:
            self.retries[number] = Retry(first=entry)
        if "RequestId" in entry:
            self.entity_calls[entry["RequestId"]] = number

    def _continue_retry(self, entry: Event) -> None:
        retry = self.retries.pop(entry["RetryOf"])
        if entry["EventType"] != Code.TIMER_CREATED:
            retry.attempts += 1
        self.retries[entry["EventId"]] = retry

    def _close(self, entry: Event, number: int) -> None:
        """A retry outlives a failure, and its timer's firing, until what follows is opened in its place."""
        self.open_tasks.pop(number, None)
        goes_on = entry["EventType"] in FAILURES
        if entry["EventType"] == Code.TIMER_FIRED and number in self.retries:
            goes_on = not self.retries[number].exhausted
        if not goes_on:
            self.retries.pop(number, None)

    def _add_raised_event(self, name: str) -> None:
        if name in self.entity_calls:
            self.open_tasks.pop(self.entity_calls.pop(name), None)
            return
        self.waits[name.casefold()] -= 1

    def _waiting(self, name: str) -> None:
        self.waits[name.casefold()] += 1
        self.wait_names[name.casefold()] = name
        self.traces.append(Trace("wait for event", name))

    def awaits(self, name: str) -> bool:
        """Whether an external event of this name would be taken now. Names are compared without case."""
        return self.waits[name.casefold()] > 0

    def wants(self, answer: Event) -> bool:
        """Whether *answer* ends a task that is open; a repeated or late answer does not."""
        if answer["EventType"] == Code.EVENT_RAISED:
            return answer["Name"] in self.entity_calls
        return answer[ANSWERS[answer["EventType"]]] in self.open_tasks


_TRACES: dict[int, Callable[[Event], Trace]] = {
    Code.TASK_SCHEDULED: lambda e: Trace("activity", e["Name"], e["Input"]),
    Code.CHILD_CREATED: lambda e: Trace("sub-orchestration", e["Name"], e["Input"]),
    Code.TIMER_CREATED: lambda _: Trace("timer"),
    Code.EVENT_SENT: lambda e: Trace(ENTITY, f"{e['InstanceId']} {e['Name']}"),
}
