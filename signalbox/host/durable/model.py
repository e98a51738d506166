"""The rows and messages of the durable runtime: what a step reads and what it asks the storage to write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from signalbox.host.durable.history import Event


class Status(StrEnum):
    """OrchestrationRuntimeStatus."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"
    CANCELED = "Canceled"


FINISHED = frozenset({Status.COMPLETED, Status.FAILED, Status.TERMINATED, Status.CANCELED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """Who waits for a sub-orchestration: the parent's instance, its execution and the task's number."""

    instance_id: str
    execution_id: str
    task_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """One orchestration instance. *input*, *output* and *custom_status* are JSON texts."""

    instance_id: str
    execution_id: str
    name: str
    created_at: str
    updated_at: str
    status: Status = Status.PENDING
    version: str | None = None
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None
    parent: Parent | None = None

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    def with_changes(self, **changes: Any) -> InstanceRow:
        return replace(self, **changes)


class Kind(StrEnum):
    """What a message asks of an instance."""

    ANSWER = "answer"
    RAISE = "raise"
    TERMINATE = "terminate"
    SUSPEND = "suspend"
    RESUME = "resume"
    REWIND = "rewind"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something for one instance.

    An answer is meant for one execution and carries its history event; `activity_id` and `inbox_id` name the
    rows that disappear in the same transaction that takes the message in.
    """

    instance_id: str
    kind: Kind
    body: Event
    execution_id: str | None = None
    inbox_id: int | None = None
    activity_id: int | None = None

    def with_row(self, inbox_id: int) -> Message:
        return replace(self, inbox_id=inbox_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """One activity to run. *input* is JSON text."""

    id: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRow:
    """One durable timer."""

    instance_id: str
    execution_id: str
    task_id: int
    fire_at: str


@dataclass(slots=True, kw_only=True)
class Commit:
    """Everything one step changes; written in one transaction or not at all."""

    row: InstanceRow
    execution_id: str = ""
    step: int = 0
    lines: list[str] = field(default_factory=list)
    is_restart: bool = False
    consumed_messages: list[Message] = field(default_factory=list)
    closed_timers: list[int] = field(default_factory=list)
    activities: list[ActivityRow] = field(default_factory=list)
    timers: list[TimerRow] = field(default_factory=list)
    children: list[InstanceRow] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
