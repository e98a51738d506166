"""Replay of a stored history: each turn of it is shown to the code anew, and what the code decides is compared.

The code sees exactly what it saw when the history was written, turn by turn, so the first turn at which it decides
otherwise is the one that a reader has to look at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from signalbox.host.durable.history import ANSWERS, OPENING, PUBLIC_NAMES, Code, Event
from signalbox.host.durable.model import Status
from signalbox.host.durable.orchestrations.actions import ACTIVITIES, CHILDREN, HTTP_ACTIVITY, ActionCode, Trace, trace
from signalbox.host.durable.orchestrations.replay import Answer, Orchestrator, advance
from signalbox.host.durable.orchestrations.state import Instance
from signalbox.host.replays.azure_turns import LONG_TIMERS, complete
from signalbox.host.replays.histories import AZURE, StoredHistory

_DECIDED = OPENING | {Code.GENERIC_EVENT, Code.EXECUTION_COMPLETED, Code.ORCHESTRATOR_COMPLETED}
_SHORT = 160
Completion = Callable[[Sequence[Event], Sequence[Event], Sequence[Mapping[str, Any]], Instance], Sequence[Event]]
"""Adds to the decisions of a turn, as they were recorded, what their origin does not store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the orchestrator was told (*events*) and what the code decides now (*decisions*), in words."""

    number: int
    at: str
    events: list[str]
    decisions: list[str]


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """*divergence* says in a sentence where the code first decides otherwise than the history; empty where it never
    does. *warnings* name activities and sub-orchestrations that are asked for with another input, which Azure
    tolerates."""

    instance: str
    name: str
    turns: list[Turn] = field(default_factory=list)
    divergence: str = ""
    warnings: list[str] = field(default_factory=list)


class _Diverged(Exception):
    """The text says how."""


def replay(
    history: StoredHistory, orchestrators: Mapping[str, Orchestrator], functions: frozenset[str]
) -> ReplayReport:
    """Replay *history* through that of *orchestrators* whose name it has. *functions* are the names of all activities,
    orchestrators and entities of the app: one that is awaited must still be there."""
    report = ReplayReport(instance=history.row.instance_id, name=history.row.name)
    orchestrator = {name.lower(): code for name, code in orchestrators.items()}.get(report.name.lower())
    if orchestrator is None:
        report.divergence = f"the app has no orchestrator {report.name!r}"
        return report
    is_on_azure = history.origin == AZURE
    instance = Instance(row=history.row, context_fields=LONG_TIMERS if is_on_azure else {})
    try:
        for number, recorded in enumerate(history.turns, 1):
            _replay_turn(report, instance, orchestrator, number, recorded, complete if is_on_azure else _as_recorded)
        _require_awaited(instance, functions)
    except _Diverged as diverged:
        report.divergence = str(diverged)
    finally:
        if instance.session is not None:
            instance.session.close()
    return report


def _as_recorded(recorded: Sequence[Event], *_: object) -> Sequence[Event]:
    return recorded


def _replay_turn(
    report: ReplayReport,
    instance: Instance,
    orchestrator: Orchestrator,
    number: int,
    recorded: Sequence[Event],
    complete: Completion,
) -> None:
    replayed_count, known = len(instance.sdk_lines), len(instance.traces)
    told = [event for event in recorded if event["EventType"] not in _DECIDED]
    events = [_told(instance, event) for event in told if event["EventType"] in PUBLIC_NAMES]
    for event in told:
        instance.append(event)
    turn = Turn(number=number, at=recorded[0]["Timestamp"], events=events, decisions=[])
    report.turns.append(turn)
    if any(event["EventType"] == Code.ORCHESTRATOR_STARTED for event in told):
        answer = advance(orchestrator, instance, replayed_count)
        actions = (answer.actions or ())[known - answer.first :]
        turn.decisions.extend([*map(_decided, actions), *_end_decided(answer)])
        decided = [event for event in recorded if event["EventType"] in _DECIDED]
        for event in complete(decided, told, actions, instance):
            instance.append(event)
        end = next((event for event in recorded if event["EventType"] == Code.EXECUTION_COMPLETED), None)
        report.warnings += _compare(instance, answer, number, is_refused=_is_refused(end, answer))
        _compare_ends(end, answer, number)
    instance.steps += 1


def _is_refused(end: Event | None, answer: Answer) -> bool:
    """Whether the host, and not the code, ended the orchestration: it had asked for a function that is not there."""
    return end is not None and end["OrchestrationStatus"] == Status.FAILED and not answer.is_done


def _compare(instance: Instance, answer: Answer, number: int, *, is_refused: bool) -> Iterator[str]:
    """The inputs that differ. Raises _Diverged at the first action that differs in its kind or name; what was asked
    for when the host refused it stands in no history."""
    if answer.actions is None:
        return
    decided = [trace(action) for action in answer.actions if action["actionType"] != ActionCode.CONTINUE_AS_NEW]
    recorded = instance.traces[answer.first :]
    for position in range(len(recorded) if is_refused else max(len(decided), len(recorded))):
        was = recorded[position] if position < len(recorded) else None
        now = decided[position] if position < len(decided) else None
        if _kind(was) != _kind(now):
            raise _Diverged(
                f"turn {number}, action {answer.first + position + 1}: the history has {was or 'nothing more'}, "
                f"the code asks for {now or 'nothing more'}"
            )
        if was != now and was is not None:
            yield f"turn {number}, action {answer.first + position + 1}: {was.kind} {was.name!r} has another input"


def _kind(entry: Trace | None) -> tuple[str, str] | None:
    return (entry.kind, entry.name) if entry else None


def _compare_ends(end: Event | None, answer: Answer, number: int) -> None:
    """Raises _Diverged where the one ends and the other goes on, or where both end differently."""
    is_restart = any(action["actionType"] == ActionCode.CONTINUE_AS_NEW for action in answer.actions or ())
    if end is None:
        if answer.is_done and not is_restart:
            raise _Diverged(f"turn {number}: the history goes on, the code {_end_decided(answer)[0]}")
        return
    if _is_refused(end, answer):
        return
    if not answer.is_done:
        raise _Diverged(f"turn {number}: the history ends as {end['OrchestrationStatus']}, the code goes on")
    failed = end["OrchestrationStatus"] == Status.FAILED
    if failed != (answer.error is not None):
        raise _Diverged(
            f"turn {number}: the history ends as {end['OrchestrationStatus']}, the code {_end_decided(answer)[0]}"
        )
    if not failed and json.loads(end["Result"]) != answer.output:
        now = _short(json.dumps(answer.output))
        raise _Diverged(f"turn {number}: the history ends with {_short(end['Result'])}, the code with {now}")


def _require_awaited(instance: Instance, functions: frozenset[str]) -> None:
    """Raises _Diverged where a function that has been asked for, and has not answered, is no longer there."""
    names = {HTTP_ACTIVITY.lower(), *(name.lower() for name in functions)}
    for task in instance.open_tasks.values():
        name = task.get("Name")
        if task["EventType"] in (Code.TASK_SCHEDULED, Code.CHILD_CREATED) and str(name).lower() not in names:
            raise _Diverged(f"the history waits for {name!r}, and the app has no such function")


def _told(instance: Instance, event: Event) -> str:
    """*event* in words, with the name of the task that it answers."""
    code = event["EventType"]
    task = instance.open_tasks.get(event[ANSWERS[code]], {}) if code in ANSWERS else {}
    name = str(event.get("Name") or task.get("Name") or "")
    content = event.get("Result") or event.get("Reason") or event.get("Input") or ""
    return " ".join(filter(None, (PUBLIC_NAMES[code], name, _short(content))))


def _decided(action: Mapping[str, Any]) -> str:
    code = action["actionType"]
    if code in ACTIVITIES or code in CHILDREN:
        kind = "call" if code in ACTIVITIES else "start"
        return f"{kind} {action['functionName']} {_short(action.get('input') or '')}".rstrip()
    if code == ActionCode.TIMER:
        return f"sleep until {action['fireAt']}"
    if code == ActionCode.WAIT:
        return f"wait for the event {action['externalEventName']}"
    return str(trace(action))


def _end_decided(answer: Answer) -> list[str]:
    if answer.error is not None:
        return [f"fails with {_short(answer.error)}"]
    return [f"ends with {_short(json.dumps(answer.output))}"] if answer.is_done else []


def _short(content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."
