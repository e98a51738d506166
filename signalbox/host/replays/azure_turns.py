"""What a history on Azure does not say and ours do, added from what the code decides while it is replayed.

The Durable Task Framework keeps no line of a wait for an event, and no input of an activity. Attempts of a retry and
their pauses are tasks like others there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from signalbox.host.durable.history import ANSWERS, FAILURES, OPENING, Code, Event, event
from signalbox.host.durable.orchestrations.actions import ACTIVITIES, CHILDREN, ENTITIES, ActionCode, http_input
from signalbox.host.durable.orchestrations.state import Instance, Retry
from signalbox.host.durable.orchestrations.step import retry_delay
from signalbox.host.moments import from_text

LONG_TIMERS = {"maximumShortTimerDuration": "6.00:00:00", "longRunningTimerIntervalDuration": "3.00:00:00"}
"""What the Durable extension tells the SDK of a hub in Azure Storage, so that it asks for a longer timer in parts."""

_TOLERANCE = timedelta(seconds=1)


def complete(
    recorded: Sequence[Event], told: Sequence[Event], actions: Iterable[Mapping[str, Any]], instance: Instance
) -> list[Event]:
    """What was decided in a turn, *recorded*, in which the code now decides *actions*. *instance* has been *told* what
    came."""
    openings = [entry for entry in recorded if entry["EventType"] in OPENING]
    follow_ups = _take_follow_ups(openings, told, instance)
    completed: list[Event] = []
    for action in actions:
        if action["actionType"] == ActionCode.WAIT:
            completed.append(event(Code.GENERIC_EVENT, told[0]["Timestamp"], Name=action["externalEventName"]))
        elif openings and action["actionType"] != ActionCode.CONTINUE_AS_NEW:
            completed.append(_known_better(openings.pop(0), action))
    ends = [entry for entry in recorded if entry["EventType"] not in OPENING]
    return [*follow_ups, *completed, *openings, *ends]


def _take_follow_ups(openings: list[Event], told: Sequence[Event], instance: Instance) -> list[Event]:
    """Take from *openings* what retries have asked for, and not the code: their pauses and next attempts."""
    taken = []
    for answer in told:
        number = answer.get(ANSWERS.get(answer["EventType"], ""))
        if number not in instance.retries:
            continue
        if (found := _follow_up(openings, answer, instance.retries[number], told[0]["Timestamp"])) is not None:
            openings.remove(found)
            taken.append({**found, "RetryOf": number})
    return taken


def _follow_up(openings: Sequence[Event], answer: Event, retry: Retry, at: str) -> Event | None:
    if answer["EventType"] in FAILURES:
        timers = (entry for entry in openings if entry["EventType"] == Code.TIMER_CREATED)
        due = from_text(at) + retry_delay(retry.options, retry.attempts)
        return next((timer for timer in timers if abs(from_text(timer["FireAt"]) - due) <= _TOLERANCE), None)
    task = (retry.first["EventType"], retry.first["Name"])
    return next((entry for entry in openings if (entry["EventType"], entry.get("Name")) == task), None)


def _known_better(entry: Event, action: Mapping[str, Any]) -> Event:
    """*entry* with what it lacks, if *action* is of its kind; otherwise the comparison will tell."""
    code, kind = entry["EventType"], action["actionType"]
    if code == Code.EVENT_SENT and kind in ENTITIES:
        request = json.loads(entry["Input"] or "{}")
        mark = {"Signal": True} if request.get("signal") else {"RequestId": request.get("id")}
        return {**entry, "Name": request.get("op", entry.get("Name")), **mark}
    if (code == Code.TASK_SCHEDULED and kind in ACTIVITIES) or (code == Code.CHILD_CREATED and kind in CHILDREN):
        options = {"RetryOptions": action["retryOptions"]} if action.get("retryOptions") else {}
        return {**entry, "Input": action.get("input") if entry["Input"] is None else entry["Input"], **options}
    if code == Code.TASK_SCHEDULED and kind == ActionCode.CALL_HTTP:
        return {**entry, "Input": http_input(action) if entry["Input"] is None else entry["Input"]}
    return entry
