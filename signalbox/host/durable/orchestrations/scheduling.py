"""Turn an orchestrator's new actions into history events and into the work they ask for."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from signalbox.host.durable.history import Code, Event, event
from signalbox.host.durable.model import ActivityRow, Commit, InstanceRow, Kind, Message, Parent, TimerRow
from signalbox.host.durable.orchestrations.actions import (
    ACTIVITIES,
    CHILDREN,
    ENTITIES,
    HTTP_ACTIVITY,
    ActionCode,
    http_input,
)
from signalbox.host.durable.orchestrations.state import Instance
from signalbox.host.durable.versions import Versioning
from signalbox.host.moments import from_text, to_text

# Not SQLite's own counter: a step names its rows before another thread writes them. Microseconds since 1970 stay above
# what earlier processes used, unless one made a million rows a second.
_row_ids = itertools.count(time.time_ns() // 1000)


def new_row_id() -> int:
    """A number for a queue row: rising within a process and, by the clock, from one process to the next."""
    return next(_row_ids)


def activity_row(row: InstanceRow, entry: Event) -> ActivityRow:
    """The call of an activity that *entry* of the history of *row* has scheduled."""
    return ActivityRow(
        id=new_row_id(),
        instance_id=row.instance_id,
        execution_id=row.execution_id,
        task_id=entry["EventId"],
        name=entry["Name"],
        input=entry["Input"],
    )


def timer_row(row: InstanceRow, entry: Event) -> TimerRow:
    """The timer that *entry* of the history of *row* has created."""
    return TimerRow(
        instance_id=row.instance_id,
        execution_id=row.execution_id,
        task_id=entry["EventId"],
        fire_at=entry["FireAt"],
    )


class UnknownFunctionError(Exception):
    """An orchestrator asked for a function the app does not have; the text is the extension's."""

    def __init__(self, name: str, role: str, names: Sequence[str]) -> None:
        name_list = ", ".join(f"'{name_}'" for name_ in sorted(names)) or "none"
        super().__init__(
            f"The function '{name}' doesn't exist, is disabled, or is not an {role} function. "
            f"Additional info: The following are the known {role} functions: {name_list}."
        )


class UnsupportedActionError(Exception):
    """An orchestrator asked for an action that no SDK 1.x for Python has, such as the lock of an entity."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the orchestrator asked for action {code}, which this host does not serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The durable functions of the app, by role."""

    orchestrators: frozenset[str]
    activities: frozenset[str]
    entities: frozenset[str]

    def check(self, role: str, name: str) -> None:
        """Raises UnknownFunctionError when there is no such function. Names are compared without case."""
        names = {"orchestrator": self.orchestrators, "activity": self.activities, "entity": self.entities}[role]
        if name.lower() not in _lower(names):
            raise UnknownFunctionError(name, role, list(names))


@lru_cache(maxsize=64)
def _lower(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


class Scheduler:
    """Collects what one step opens. Numbers follow the SDK's: waiting for an event takes none."""

    def __init__(self, instance: Instance, now: str, catalogue: Catalogue, versioning: Versioning) -> None:
        self._instance = instance
        self._now = now
        self._catalogue = catalogue
        self._versioning = versioning
        self._commit = Commit(row=instance.row)

    def schedule(self, actions: Sequence[Mapping[str, Any]]) -> str | None:
        """Open *actions*, which history does not have yet; returns the input of `continue_as_new`, if asked."""
        next_input = None
        for action in actions:
            if action["actionType"] == ActionCode.CONTINUE_AS_NEW:
                next_input = action["input"]
            else:
                self.open(self._event_for(action))
        return next_input

    def close_cancelled(self, cancellations: Sequence[bool]) -> None:
        """Close recorded timers that are cancelled: they are numbered in the order of *cancellations*, retries' own
        timers aside."""
        for number, is_cancelled in zip(self._instance.timer_numbers, cancellations, strict=False):
            if is_cancelled and self._instance.open_tasks.pop(number, None) is not None:
                self._commit.closed_timers.append(number)

    def commit(self) -> Commit:
        self._commit.row = self._instance.row
        return self._commit

    def open(self, entry: Event) -> None:
        """Append an opening event and queue its work."""
        self._instance.append(entry)
        code = entry["EventType"]
        if code == Code.TASK_SCHEDULED:
            self._commit.activities.append(activity_row(self._instance.row, entry))
        elif code == Code.TIMER_CREATED:
            if not entry.get("Cancelled"):
                self._commit.timers.append(timer_row(self._instance.row, entry))
        elif code == Code.CHILD_CREATED:
            self._commit.children.append(self._child(entry))
        elif code == Code.EVENT_SENT:
            self._commit.messages.append(self._operation(entry))

    def _event_for(self, action: Mapping[str, Any]) -> Event:
        code = action["actionType"]
        if code in ACTIVITIES:
            return self._activity_event(action)
        if code in CHILDREN:
            return self._child_event(action)
        if code == ActionCode.TIMER:
            fire_at, is_cancelled = to_text(from_text(action["fireAt"])), action["isCanceled"]
            return self._number(Code.TIMER_CREATED, FireAt=fire_at, **({"Cancelled": True} if is_cancelled else {}))
        if code == ActionCode.WAIT:
            return event(Code.GENERIC_EVENT, self._now, Name=action["externalEventName"])
        if code in ENTITIES:
            return self._entity_event(action)
        if code == ActionCode.CALL_HTTP:
            return self._http_event(action)
        raise UnsupportedActionError(code)

    def _number(self, code: Code, **details: Any) -> Event:
        return event(code, self._now, self._instance.next_id, **details)

    def _activity_event(self, action: Mapping[str, Any]) -> Event:
        name = action["functionName"]
        self._catalogue.check("activity", name)
        return self._number(Code.TASK_SCHEDULED, Name=name, Input=action.get("input"), **_retry(action))

    def _http_event(self, action: Mapping[str, Any]) -> Event:
        return self._number(Code.TASK_SCHEDULED, Name=HTTP_ACTIVITY, Input=http_input(action))

    def _child_event(self, action: Mapping[str, Any]) -> Event:
        name = action["functionName"]
        self._catalogue.check("orchestrator", name)
        details = {"Name": name, "InstanceId": action.get("instanceId"), "Input": action.get("input")}
        version = self._versioning.of_new(action.get("version"))
        return self._number(Code.CHILD_CREATED, **details, Version=version, **_retry(action))

    def _entity_event(self, action: Mapping[str, Any]) -> Event:
        """`Input` is the request message the SDK reads the request id from."""
        call = action["actionType"] == ActionCode.CALL_ENTITY
        request = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._instance.row.execution_id}:{self._instance.next_id}"))
        body = {"id": request, "op": action["operation"], "input": json.dumps(action.get("input")), "signal": not call}
        details = {"InstanceId": action["instanceId"], "Name": action["operation"], "Input": json.dumps(body)}
        mark = {"RequestId": request} if call else {"Signal": True}
        return self._number(Code.EVENT_SENT, **details, **mark)

    def _child(self, entry: Event) -> InstanceRow:
        row, number = self._instance.row, entry["EventId"]
        return InstanceRow(
            instance_id=entry["InstanceId"] or f"{row.execution_id}:{number:x}",
            execution_id=uuid.uuid4().hex,
            name=entry["Name"],
            version=entry.get("Version"),
            input=None if entry["Input"] is None else json.dumps(entry["Input"]),
            created_at=self._now,
            updated_at=self._now,
            parent=Parent(instance_id=row.instance_id, execution_id=row.execution_id, task_id=number),
        )

    def _operation(self, entry: Event) -> Message:
        row = self._instance.row
        caller = {} if entry.get("Signal") else {"parent": row.instance_id, "parentExecution": row.execution_id}
        return Message(
            instance_id=entry["InstanceId"],
            kind=Kind.OPERATION,
            body={**json.loads(entry["Input"]), **caller},
        )


def _retry(action: Mapping[str, Any]) -> dict[str, Any]:
    return {"RetryOptions": action["retryOptions"]} if action.get("retryOptions") else {}
