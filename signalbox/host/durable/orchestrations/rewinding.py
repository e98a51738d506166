"""Rewind a failed orchestration: undo its last step and what had failed, so that this and no more is tried again.

Source: the documentation of rewind. The Durable Task Framework marks the failures in the history; here they leave it,
since the orchestrator must not see them again either way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from signalbox.host.durable.history import FAILURES, OPENING, Code, Event, event, from_line, to_line
from signalbox.host.durable.model import ActivityRow, InstanceRow, Kind, Message, Status, TimerRow
from signalbox.host.durable.orchestrations.scheduling import activity_row, new_row_id, timer_row
from signalbox.host.durable.orchestrations.state import Instance
from signalbox.host.durable.orchestrations.step import tell_parent
from signalbox.host.durable.storage import tables

_UNDONE = OPENING | {Code.GENERIC_EVENT, Code.EXECUTION_COMPLETED}


@dataclass(slots=True)
class Rewound:
    """What goes on once a rewind is written: these instances, with their activities, timers and messages."""

    instance_ids: list[str] = field(default_factory=list)
    activities: list[ActivityRow] = field(default_factory=list)
    timers: list[TimerRow] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


def rewind(connection: tables.Connection, row: InstanceRow, reason: str, now: str) -> Rewound:
    """Write that *row*, which has failed, goes on; so do its sub-orchestrations that failed with it."""
    result = Rewound()
    _rewind(connection, row, reason, now, result)
    tables.write_activities(connection, result.activities)
    tables.write_timers(connection, result.timers)
    tables.write_messages(connection, result.messages)
    events = [entry for instance_id in result.instance_ids for entry in tables.waiting_events(connection, instance_id)]
    result.messages.extend(events)
    return result


def _rewind(connection: tables.Connection, row: InstanceRow, reason: str, now: str, result: Rewound) -> None:
    steps = [[from_line(line) for line in text.split("\n")] for text in tables.history_of(connection, row.instance_id)]
    kept_steps = _without_failures(steps)
    texts = ["\n".join(map(to_line, events)) for events in kept_steps]
    going_on = row.with_changes(status=Status.RUNNING, output=None, updated_at=now)
    tables.write_instance(connection, going_on)
    tables.write_history(connection, row.instance_id, texts)
    instance = Instance.load(going_on, texts)
    result.instance_ids.append(row.instance_id)
    waiting = tables.waiting_activities(connection, row.instance_id, row.execution_id)
    for number, entry in instance.open_tasks.items():
        if entry["EventType"] == Code.TASK_SCHEDULED and number not in waiting:
            result.activities.append(activity_row(row, entry))
        elif entry["EventType"] == Code.TIMER_CREATED:
            result.timers.append(timer_row(row, entry))
        elif entry["EventType"] == Code.CHILD_CREATED:
            _rewind_child(connection, row, entry, reason, now, result)
    body = event(Code.EXECUTION_REWOUND, now, Reason=reason)
    result.messages.append(Message(instance_id=row.instance_id, kind=Kind.REWIND, body=body, inbox_id=new_row_id()))


def _without_failures(steps: list[list[Event]]) -> list[list[Event]]:
    """The history without what the last step decided, and without the failures that it was told of."""
    last = steps[-1]
    retry_timers = {
        entry["EventId"]: entry["RetryOf"]
        for entry in _flat(steps)
        if entry["EventType"] == Code.TIMER_CREATED and "RetryOf" in entry
    }
    # A task with retries fails for good when the timer after its last attempt fires.
    fired = {entry["TimerId"] for entry in last if entry["EventType"] == Code.TIMER_FIRED} & retry_timers.keys()
    failed = {entry["TaskScheduledId"] for entry in last if entry["EventType"] in FAILURES}
    failed |= {retry_timers[timer] for timer in fired}

    def is_gone(entry: Event) -> bool:
        code = entry["EventType"]
        if code in FAILURES:
            return entry["TaskScheduledId"] in failed
        if code == Code.TIMER_FIRED:
            return entry["TimerId"] in fired
        return code == Code.TIMER_CREATED and entry["EventId"] in fired

    kept = [[entry for entry in events if not is_gone(entry)] for events in steps]
    kept[-1] = [entry for entry in kept[-1] if entry["EventType"] not in _UNDONE]
    return kept


def _flat(steps: Iterable[list[Event]]) -> Iterable[Event]:
    return (entry for events in steps for entry in events)


def _rewind_child(
    connection: tables.Connection, row: InstanceRow, entry: Event, reason: str, now: str, result: Rewound
) -> None:
    child = tables.find_instance(connection, entry["InstanceId"] or f"{row.execution_id}:{entry['EventId']:x}")
    if child is None or child.parent is None or child.parent.execution_id != row.execution_id:
        return
    if child.status is Status.FAILED:
        _rewind(connection, child, reason, now, result)
    elif child.finished:  # It ended while its parent had failed, so that its answer was forgotten.
        answer = tell_parent(child.parent, child.status, child.output or "null")
        result.messages.append(answer.with_row(new_row_id()))
