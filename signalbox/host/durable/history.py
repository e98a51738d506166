"""History events: their codes, their text, and the vocabulary of the out-of-process protocol.

An event is stored without its IsPlayed flag, so that replay only joins texts and never serialises an event twice.
Codes: azure.durable_functions.models.history.HistoryEventType.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class Code(IntEnum):
    """The event types of the Durable Task history."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    CHILD_CREATED = 7
    CHILD_COMPLETED = 8
    CHILD_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    CONTINUE_AS_NEW = 16
    GENERIC_EVENT = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20
    EXECUTION_REWOUND = 22


PUBLIC_NAMES = {
    Code.EXECUTION_STARTED: "ExecutionStarted",
    Code.EXECUTION_COMPLETED: "ExecutionCompleted",
    Code.EXECUTION_TERMINATED: "ExecutionTerminated",
    Code.TASK_SCHEDULED: "TaskScheduled",
    Code.TASK_COMPLETED: "TaskCompleted",
    Code.TASK_FAILED: "TaskFailed",
    Code.CHILD_CREATED: "SubOrchestrationInstanceCreated",
    Code.CHILD_COMPLETED: "SubOrchestrationInstanceCompleted",
    Code.CHILD_FAILED: "SubOrchestrationInstanceFailed",
    Code.TIMER_CREATED: "TimerCreated",
    Code.TIMER_FIRED: "TimerFired",
    Code.EVENT_SENT: "EventSent",
    Code.EVENT_RAISED: "EventRaised",
    Code.EXECUTION_SUSPENDED: "ExecutionSuspended",
    Code.EXECUTION_RESUMED: "ExecutionResumed",
    Code.EXECUTION_REWOUND: "ExecutionRewound",
}
"""The names the status API shows; bookkeeping events have none and stay hidden."""

OPENING = frozenset({Code.TASK_SCHEDULED, Code.CHILD_CREATED, Code.TIMER_CREATED, Code.EVENT_SENT})
"""Events that begin a numbered task."""

ANSWERS = {
    Code.TASK_COMPLETED: "TaskScheduledId",
    Code.TASK_FAILED: "TaskScheduledId",
    Code.CHILD_COMPLETED: "TaskScheduledId",
    Code.CHILD_FAILED: "TaskScheduledId",
    Code.TIMER_FIRED: "TimerId",
}
"""Events that end a numbered task, and the field that names the task."""

UNREAD = frozenset(
    {
        Code.TASK_SCHEDULED,
        Code.CHILD_CREATED,
        Code.TIMER_CREATED,
        Code.ORCHESTRATOR_COMPLETED,
        Code.GENERIC_EVENT,
        Code.EXECUTION_REWOUND,
    }
)
"""Events the SDK's executor passes over (`TaskOrchestrationExecutor.process_event`). They are kept out of the
context, because the SDK spends most of a replay on reading events."""

FAILURES = frozenset({Code.TASK_FAILED, Code.CHILD_FAILED})

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def event(code: Code, moment: str, event_id: int = -1, **details: Any) -> Event:
    """One history event; *moment* is text as `moments.to_text` writes it."""
    return {"EventType": int(code), "EventId": event_id, "Timestamp": moment, **details}


def to_line(entry: Event) -> str:
    """The stored text of an event: a JSON object without its opening brace, on one line."""
    return _encode(entry)[1:]


def from_line(line: str) -> Event:
    entry: Event = json.loads("{" + line)
    return entry


def as_played(lines: Iterable[str]) -> str:
    """The JSON of events the orchestrator has seen before, separated by commas."""
    return ",".join(['{"IsPlayed":true,' + line for line in lines])


def as_new(lines: Iterable[str]) -> str:
    """The JSON of events the orchestrator sees for the first time, separated by commas."""
    return ",".join(['{"IsPlayed":false,' + line for line in lines])
