"""The actions an orchestrator asks for, as the SDK sends them, flattened in the order the SDK numbers them.

Action codes and field names: azure.durable_functions.models.actions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class ActionCode(IntEnum):
    """azure.durable_functions.models.actions.ActionType."""

    ACTIVITY = 0
    ACTIVITY_WITH_RETRY = 1
    CHILD = 2
    CHILD_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    TIMER = 5
    WAIT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


ACTIVITIES = frozenset({ActionCode.ACTIVITY, ActionCode.ACTIVITY_WITH_RETRY})
CHILDREN = frozenset({ActionCode.CHILD, ActionCode.CHILD_WITH_RETRY})
ENTITIES = frozenset({ActionCode.CALL_ENTITY, ActionCode.SIGNAL_ENTITY})
_PLAIN = {ActionCode.TIMER: "timer", ActionCode.CONTINUE_AS_NEW: "continue as new"}
_COMPOUNDS = frozenset({ActionCode.WHEN_ANY, ActionCode.WHEN_ALL})


# The activity by which the Durable extension makes the calls of `call_http`.
HTTP_ACTIVITY = "BuiltIn::HttpActivity"
ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Trace:
    """What replay compares: the kind of work, its name and, where a function is called, its input."""

    kind: str
    name: str = ""
    input: str | None = None

    @property
    def compared_on_azure(self) -> tuple[str, str]:
        """What the Durable Task Framework looks at. An operation of an entity is an event whose name is always `op`."""
        return self.kind, "" if self.kind == ENTITY else self.name.casefold()

    def __str__(self) -> str:
        text = f"{self.kind} {self.name!r}" if self.name else self.kind
        return f"{text} with input {_short(self.input)}" if self.input is not None else text


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."


def flatten(actions: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Single actions in numbering order: `task_all` and `task_any` are replaced by what they contain."""
    for action in actions:
        if action["actionType"] in _COMPOUNDS:
            yield from flatten(action["compoundActions"])
        else:
            yield action


def cancellations(actions: Iterable[Mapping[str, Any]]) -> list[bool]:
    """For every timer among *actions*, in order, whether it is cancelled."""
    return [action["isCanceled"] for action in actions if action["actionType"] == ActionCode.TIMER]


def http_input(action: Mapping[str, Any]) -> str:
    """The input of the activity that makes the call of a `call_http`."""
    return json.dumps(action["httpRequest"])


def trace(action: Mapping[str, Any]) -> Trace:
    """How replay recognises *action*."""
    code = action["actionType"]
    if code in ACTIVITIES:
        return Trace("activity", action["functionName"], action.get("input"))
    if code == ActionCode.CALL_HTTP:
        return Trace("activity", HTTP_ACTIVITY, http_input(action))
    if code in CHILDREN:
        return Trace("sub-orchestration", action["functionName"], action.get("input"))
    if code in ENTITIES:
        return Trace(ENTITY, f"{action['instanceId']} {action['operation']}")
    if code == ActionCode.WAIT:
        return Trace("wait for event", action["externalEventName"])
    return Trace(_PLAIN.get(code, f"action {code}"))
