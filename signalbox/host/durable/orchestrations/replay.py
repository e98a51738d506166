"""Run an orchestrator once through the SDK's own replay: history in, actions out, as JSON.

Protocol: `azure.durable_functions.orchestrator.Orchestrator` and `DurableOrchestrationContext`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signalbox.host.containment import describe
from signalbox.host.durable.history import as_new, as_played
from signalbox.host.durable.orchestrations.actions import flatten, trace
from signalbox.host.durable.orchestrations.state import Instance

Orchestrator = Callable[[str], str]
"""The app's orchestrator: the context as JSON text in, the orchestrator state as JSON text out."""

_FAILED = "\n\n$OutOfProcData$:"
_SCHEMA_V2, _SCHEMA_V3 = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of a replay: the actions so far (None after an error), and the end, if it was reached."""

    actions: Sequence[Mapping[str, Any]] | None
    is_done: bool
    output: Any = None
    error: str | None = None
    custom_status: Any = None


def replay(orchestrator: Orchestrator, instance: Instance, replayed_count: int) -> Answer:
    """Replay the history of *instance*; the first *replayed_count* of the events the SDK reads were replayed before."""
    context = _context(instance, replayed_count)
    try:
        return _read(orchestrator(context))
    except Exception as error:
        reason = describe(error)
        text, marker, state = reason.removeprefix(f"{type(error).__name__}: ").rpartition(_FAILED)
        if not marker:
            return Answer(actions=None, is_done=True, error=reason)
        return _read(state, error=text)


def _context(instance: Instance, replayed_count: int) -> str:
    row = instance.row
    history = [as_played(instance.sdk_lines[:replayed_count]), as_new(instance.sdk_lines[replayed_count:])]
    fields = {
        "input": input_text(row.input),
        "instanceId": row.instance_id,
        "isReplaying": replayed_count > 0,
        "parentInstanceId": row.parent.instance_id if row.parent else None,
        "upperSchemaVersion": _SCHEMA_V2,
        "upperSchemaVersionNew": _SCHEMA_V3,
    }
    return f'{{"history":[{",".join(filter(None, history))}],{json.dumps(fields)[1:]}'


def input_text(stored_text: str | None) -> str | None:
    """The text the SDK decodes as input. A stored JSON string carries the JSON text of an SDK client."""
    if stored_text is None:
        return None
    if not stored_text.startswith('"'):
        return stored_text
    text: str = json.loads(stored_text)
    return text if _is_json(text) else stored_text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _read(text: str, error: str | None = None) -> Answer:
    state = json.loads(text)
    return Answer(
        actions=list(flatten(action for group in state["actions"] for action in group)),
        is_done=state["isDone"] or error is not None,
        output=state.get("output"),
        error=error if error is not None else state.get("error"),
        custom_status=state.get("customStatus"),
    )


def find_difference(instance: Instance, answer: Answer) -> str | None:
    """How replay departed from history, as a sentence; None when it did not.

    The SDK itself does not look: it would hand one task's recorded result to another.
    """
    actions = answer.actions
    if actions is None:
        return None
    for position, recorded_trace in enumerate(instance.traces):
        actual = trace(actions[position]) if position < len(actions) else None
        if actual != recorded_trace:
            return (
                f"Non-deterministic orchestrator '{instance.row.name}': at position {position} history has "
                f"{recorded_trace}, replay asked for {actual or 'nothing more'}. "
                "Let running instances finish before changing their orchestrator, or give the change a new name."
            )
    return None
