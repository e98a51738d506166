"""One step of an orchestration: take messages in, replay, and say what must be written.

A step is pure apart from the orchestrator it calls: it reads and changes the instance in memory and returns a
Commit; writing it and acting on it is the engine's work.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from signalbox.host.durable.history import Code, Event, event
from signalbox.host.durable.model import Commit, Kind, Message, Parent, Status
from signalbox.host.durable.orchestrations.replay import Answer, Orchestrator, advance, differences
from signalbox.host.durable.orchestrations.scheduling import (
    Catalogue,
    Scheduler,
    UnknownFunctionError,
    UnsupportedActionError,
)
from signalbox.host.durable.orchestrations.state import Instance
from signalbox.host.durable.versions import Versioning
from signalbox.host.log import LOGGER
from signalbox.host.moments import from_text, to_text

_MOST_STATUS = 16 * 1024
# The words of the Durable Task Framework.
_MISMATCH = "VersionMismatch: Orchestration version did not comply with Worker Versioning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a step needs to know of the host: the time (text), the functions there are, the versions it runs, and
    whether a replay with other inputs is an error."""

    now: str
    catalogue: Catalogue
    versioning: Versioning
    strict: bool = False


def take_step(
    instance: Instance, messages: Sequence[Message], orchestrator: Orchestrator, around: Surroundings
) -> Commit:
    """Let the orchestrator see *messages* and gather the consequences."""
    line_count, replayed_count = len(instance.lines), len(instance.sdk_lines)
    scheduler = Scheduler(instance, around.now, around.catalogue, around.versioning)
    instance.append(event(Code.ORCHESTRATOR_STARTED, around.now))
    if not instance.started:
        instance.append(_execution_started(instance, around.now))
    follow_up = _take_in(instance, messages, around.now)
    answer = advance(orchestrator, instance, replayed_count)
    _refresh(instance, answer, around.now)
    if follow_up is not None:
        scheduler.open(follow_up)
    problem = _departure(instance, answer, strict=around.strict) or _excess(instance.row.custom_status)
    commit = _conclude(instance, answer, scheduler, problem)
    instance.append(event(Code.ORCHESTRATOR_COMPLETED, around.now))
    return _finish_commit(instance, commit, messages, line_count)


def mismatch_step(instance: Instance, messages: Sequence[Message], around: Surroundings) -> Commit:
    """Fail an instance whose version this host may not run; the orchestrator is not asked."""
    line_count, commit = len(instance.lines), Commit(row=instance.row)
    instance.append(event(Code.ORCHESTRATOR_STARTED, around.now))
    if not instance.started:
        instance.append(_execution_started(instance, around.now))
    instance.row = instance.row.with_changes(updated_at=around.now)
    _end(instance, commit, Status.FAILED, json.dumps(_MISMATCH))
    instance.append(event(Code.ORCHESTRATOR_COMPLETED, around.now))
    return _finish_commit(instance, commit, messages, line_count)


def control_step(instance: Instance, message: Message, around: Surroundings) -> Commit:
    """Terminate, suspend or resume; the orchestrator is not asked."""
    line_count = len(instance.lines)
    code, status = _CONTROLS[message.kind]
    reason = message.body.get("Reason")
    instance.append(event(code, around.now, Input=reason, Reason=reason))
    # A resume of what is not suspended must change nothing; an instance that has not begun would otherwise look begun.
    if instance.row.status is not Status.SUSPENDED and status is Status.RUNNING:
        status = instance.row.status
    instance.row = instance.row.with_changes(status=status, updated_at=around.now)
    commit = Commit(row=instance.row)
    if status is Status.TERMINATED:
        _end(instance, commit, status, json.dumps(reason))
    return _finish_commit(instance, commit, [message], line_count)


_CONTROLS = {
    Kind.TERMINATE: (Code.EXECUTION_TERMINATED, Status.TERMINATED),
    Kind.SUSPEND: (Code.EXECUTION_SUSPENDED, Status.SUSPENDED),
    Kind.RESUME: (Code.EXECUTION_RESUMED, Status.RUNNING),
}


def _execution_started(instance: Instance, now: str) -> Event:
    row = instance.row
    return event(Code.EXECUTION_STARTED, now, Name=row.name, Input=row.input, Version=row.version)


def _take_in(instance: Instance, messages: Sequence[Message], now: str) -> Event | None:
    """Append the messages' events; returns what a retry opens next, for which the SDK has already kept a number."""
    follow_up = None
    for message in messages:
        body = message.body
        number = body.get("TaskScheduledId", body.get("TimerId"))
        if message.kind is Kind.RAISE:
            body = {**body, "Name": instance.wait_names[body["Name"].casefold()]}
        instance.append({**body, "Timestamp": now})
        if number in instance.retries:
            follow_up = _next_of_retry(instance, number, body, now)
    return follow_up


def _next_of_retry(instance: Instance, number: int, answer: Event, now: str) -> Event:
    """A failure is followed by a timer, even after the last attempt, as in the Durable Task Framework; a timer by
    the next attempt."""
    retry, new = instance.retries[number], instance.next_id
    instance.next_id += 1
    if answer["EventType"] == Code.TIMER_FIRED:
        attempt = {**retry.first, "EventId": new, "Timestamp": now, "RetryOf": number}
        del attempt["RetryOptions"]
        return attempt
    fire_at = to_text(from_text(now) + retry_delay(retry.options, retry.attempts))
    return event(Code.TIMER_CREATED, now, new, FireAt=fire_at, RetryOf=number)


def retry_delay(options: Any, failures: int) -> timedelta:
    """How long a retry waits after so many *failures*: first interval * coefficient ^ (failures - 1), at most the
    longest interval."""
    first = float(options["firstRetryIntervalInMilliseconds"])
    delay = first * float(options.get("backoffCoefficient") or 1.0) ** (failures - 1)
    longest = options.get("maxRetryIntervalInMilliseconds")
    return timedelta(milliseconds=min(delay, float(longest)) if longest else delay)


def _refresh(instance: Instance, answer: Answer, now: str) -> None:
    """The state only carries a custom status while it has one: an empty one clears it."""
    status = None if answer.custom_status is None else json.dumps(answer.custom_status)
    instance.row = instance.row.with_changes(status=Status.RUNNING, updated_at=now, custom_status=status)


def _departure(instance: Instance, answer: Answer, *, strict: bool) -> str | None:
    """Why replay may not go on; what Azure would tolerate is a warning, unless the host is *strict*."""
    for difference in differences(instance, answer):
        if strict or not difference.is_tolerated:
            return difference.sentence
        LOGGER.warning("instance=%s %s", instance.row.instance_id, difference.sentence)
    return None


def _conclude(instance: Instance, answer: Answer, scheduler: Scheduler, problem: str | None) -> Commit:
    if problem is not None:
        return _fail(instance, Commit(row=instance.row), problem)
    scheduler.close_cancelled(answer.timer_cancellations)
    try:
        next_input = scheduler.schedule((answer.actions or ())[len(instance.traces) - answer.first :])
    except (UnknownFunctionError, UnsupportedActionError) as error:
        return _fail(instance, scheduler.commit(), str(error))
    commit = scheduler.commit()
    if answer.error is not None:
        return _fail(instance, commit, answer.error)
    if next_input is not None:
        _restart(instance, commit, next_input)
    elif answer.is_done:
        _end(instance, commit, Status.COMPLETED, json.dumps(answer.output))
    return commit


def _excess(custom_status: str | None) -> str | None:
    """What the real extension says of a custom status that is too large."""
    if custom_status is None or len(custom_status.encode("utf-16-le")) <= _MOST_STATUS:
        return None
    return f"The size of the JSON-serialized payload must not exceed {_MOST_STATUS // 1024} KB of UTF-16 text."


def _fail(instance: Instance, commit: Commit, reason: str) -> Commit:
    _end(instance, commit, Status.FAILED, json.dumps(f"Orchestrator function '{instance.row.name}' failed: {reason}"))
    return commit


def _restart(instance: Instance, commit: Commit, next_input: str) -> None:
    """Continue as new: a new execution with an empty history; waiting external events stay."""
    row = instance.row.with_changes(execution_id=uuid.uuid4().hex, input=json.dumps(next_input))
    commit.row, commit.is_restart, commit.timers = row, True, []


def _end(instance: Instance, commit: Commit, status: Status, output: str) -> None:
    row = instance.row.with_changes(status=status, output=output)
    instance.append(event(Code.EXECUTION_COMPLETED, row.updated_at, Result=output, OrchestrationStatus=str(status)))
    commit.row = instance.row = row
    commit.timers = []
    if row.parent is not None:
        commit.messages.append(tell_parent(row.parent, status, output))


def tell_parent(parent: Parent, status: Status, output: str) -> Message:
    """The answer of a sub-orchestration that has ended."""
    if status is Status.COMPLETED:
        body = event(Code.CHILD_COMPLETED, "", TaskScheduledId=parent.task_id, Result=output)
    else:
        body = event(Code.CHILD_FAILED, "", TaskScheduledId=parent.task_id, Reason=json.loads(output), Details="")
    return Message(instance_id=parent.instance_id, execution_id=parent.execution_id, kind=Kind.ANSWER, body=body)


def _finish_commit(instance: Instance, commit: Commit, messages: Sequence[Message], line_count: int) -> Commit:
    commit.execution_id = instance.row.execution_id
    commit.lines, commit.step, commit.consumed_messages = instance.lines[line_count:], instance.steps, list(messages)
    commit.closed_timers += [m.body["TimerId"] for m in messages if m.body.get("EventType") == Code.TIMER_FIRED]
    instance.steps += 1
    return commit
