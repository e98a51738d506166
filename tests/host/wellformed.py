"""What a history must be, whatever was done to its instance."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from signalbox.host.durable.history import ANSWERS, OPENING, Code, Event
from signalbox.host.durable.model import InstanceRow
from signalbox.host.durable.orchestrations.replay import input_text

_CONTROLS = {Code.EXECUTION_SUSPENDED, Code.EXECUTION_RESUMED, Code.EXECUTION_TERMINATED, Code.EXECUTION_COMPLETED}
# The opening event that each answer needs.
_OPENED_BY = {
    Code.TASK_COMPLETED: Code.TASK_SCHEDULED,
    Code.TASK_FAILED: Code.TASK_SCHEDULED,
    Code.CHILD_COMPLETED: Code.CHILD_CREATED,
    Code.CHILD_FAILED: Code.CHILD_CREATED,
    Code.TIMER_FIRED: Code.TIMER_CREATED,
}


def faults(history: Sequence[Event], row: InstanceRow) -> Iterator[str]:
    """Every way in which *history* is not one that the instance *row* may have."""
    yield from _faults_of_tasks(history)
    yield from _faults_of_ends(history, row)
    yield from _faults_of_pauses(history)


def _faults_of_tasks(history: Sequence[Event]) -> Iterator[str]:
    opened: dict[int, int] = {}
    answered = Counter[int]()
    for position, entry in enumerate(history):
        code = entry["EventType"]
        if code in OPENING:
            if entry["EventId"] in opened:
                yield f"{position}: task {entry['EventId']} is scheduled twice"
            opened[entry["EventId"]] = code
        elif code in ANSWERS:
            number = entry[ANSWERS[code]]
            if opened.get(number) != _OPENED_BY[code]:
                yield f"{position}: {Code(code).name} answers task {number}, which was not scheduled before"
            answered[number] += 1
            if answered[number] > 1:
                yield f"{position}: task {number} is answered twice"


def _faults_of_ends(history: Sequence[Event], row: InstanceRow) -> Iterator[str]:
    codes = [entry["EventType"] for entry in history]
    starts, ends = codes.count(Code.EXECUTION_STARTED), codes.count(Code.EXECUTION_COMPLETED)
    if starts > 1 or ends > 1:
        yield f"it starts {starts} times and ends {ends} times"
    if bool(ends) != row.finished:
        yield f"it is {row.status} and its history ends {ends} times"
    if ends and (late := set(codes[codes.index(Code.EXECUTION_COMPLETED) + 1 :]) - {Code.ORCHESTRATOR_COMPLETED}):
        yield f"after its end come {sorted(Code(code).name for code in late)}"
    if starts and (
        early := set(codes[: codes.index(Code.EXECUTION_STARTED)]) - _CONTROLS - {Code.ORCHESTRATOR_STARTED}
    ):
        yield f"before its start come {sorted(Code(code).name for code in early)}"


def _faults_of_pauses(history: Sequence[Event]) -> Iterator[str]:
    is_suspended = False
    for position, entry in enumerate(history):
        code = entry["EventType"]
        if is_suspended and code not in _CONTROLS:
            yield f"{position}: {Code(code).name} while it is suspended"
        is_suspended = code == Code.EXECUTION_SUSPENDED or (is_suspended and code != Code.EXECUTION_RESUMED)


def delivered(history: Sequence[Event], row: InstanceRow, name: str) -> list[Any]:
    """The payloads of the events *name* that the instance has taken, in order: those of earlier generations are in its
    input, under "results", as an orchestrator that continues as new hands them on."""
    earlier = json.loads(input_text(row.input) or "{}").get("results", [])
    payloads = [json.loads(entry["Input"]) for entry in history if entry.get("Name") == name and _is_raised(entry)]
    return [result["go"] for result in earlier if isinstance(result, dict)] + payloads


def _is_raised(entry: Event) -> bool:
    return bool(entry["EventType"] == Code.EVENT_RAISED)
