"""Take an orchestrator one step on through the SDK: events in, actions out, as JSON.

The orchestrator replays its whole history, or goes on where it waits if it is in memory.
Protocol: `azure.durable_functions.orchestrator.Orchestrator` and `DurableOrchestrationContext`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from signalbox.host.containment import ProcessEndedError, describe
from signalbox.host.durable.history import as_new, as_played
from signalbox.host.durable.orchestrations.actions import Trace, cancellations, flatten, trace
from signalbox.host.durable.orchestrations.state import Instance, Session


class Orchestrator(Protocol):
    """The app's orchestrator."""

    def open(self, context: str) -> tuple[Session | None, str]:
        """Replay the history of *context* (JSON text); returns the orchestrator state (JSON text) and, where the
        orchestrator waits and can go on from there, its session."""
        ...


# The SDK raises an orchestrator's error anew, with this mark and the state's JSON behind its text:
# TaskOrchestrationExecutor.get_orchestrator_state_str.
_FAILED = "\n\n$OutOfProcData$:"
# The SDK's ReplaySchema counts from 0. The SDK takes the second field where it knows that schema, and the first
# otherwise.
_SCHEMA_V2, _SCHEMA_V3 = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of a step: the actions from position *first* on (None after an error), and the end, if it was
    reached. *timer_cancellations* says for every timer so far whether it is cancelled."""

    actions: Sequence[Mapping[str, Any]] | None
    is_done: bool
    first: int = 0
    timer_cancellations: Sequence[bool] = ()
    output: Any = None
    error: str | None = None
    custom_status: Any = None


def advance(orchestrator: Orchestrator, instance: Instance, replayed_count: int) -> Answer:
    """Show the orchestrator the events after the first *replayed_count* that the SDK reads.

    An instance in memory goes on with these alone, so that a chain's cost is linear in its length. One that is checked
    replays its whole history all the same at its steps 2, 3, 5, 9, 17...: a non-deterministic orchestrator is noticed
    while its developer looks on, and all these replays together cost as much as two of the last one.
    """
    session, instance.session = instance.session, None
    # `steps` counts those before this one: it is a power of two before the steps that the docstring names.
    is_resumed = session is not None and not (instance.is_checked and _replays_whole(instance.steps))
    first = len(instance.traces) if is_resumed else 0
    try:
        try:
            if session is None or not is_resumed:
                session, state = orchestrator.open(_context(instance, replayed_count))
            else:
                # Not from *replayed_count* on: the call of an entity was written behind the step that asked for it, and
                # the SDK learns only from that line which answer is meant for it.
                state = session.resume(f"[{as_new(instance.sdk_lines[instance.shown_count :])}]")
        except ProcessEndedError:
            if not is_resumed:
                raise
            # The session was lost with its worker.
            first, (session, state) = 0, orchestrator.open(_context(instance, replayed_count))
    except Exception as error:
        return replace(_read_failure(error), first=first)
    instance.shown_count = len(instance.sdk_lines)
    if session is None:
        return _read(state)
    if session.is_waiting:
        instance.session = session
    return replace(_read(state), first=first, timer_cancellations=session.timer_cancellations)


def _replays_whole(steps: int) -> bool:
    return steps & (steps - 1) == 0


def _read_failure(error: Exception) -> Answer:
    reason = describe(error)
    # The last mark counts: the text before it may quote a child's failure with a mark of its own. The JSON behind it
    # escapes every end of line, so it holds none.
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
        **instance.context_fields,
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
    actions = list(flatten(action for group in state["actions"] for action in group))
    return Answer(
        actions=actions,
        timer_cancellations=cancellations(actions),
        is_done=state["isDone"] or error is not None,
        output=state.get("output"),
        error=error if error is not None else state.get("error"),
        custom_status=state.get("customStatus"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How replay departed from history, as a sentence; *is_tolerated* where Azure takes no notice of it."""

    sentence: str
    is_tolerated: bool


def differences(instance: Instance, answer: Answer) -> Iterator[Difference]:
    """Where replay departed from history.

    The SDK itself does not look: it would hand one task's recorded result to another. The Durable Task Framework
    compares the kind and the name of a task (TaskOrchestrationContext), and not its input.
    """
    actions = answer.actions
    if actions is None:
        return
    for position, recorded in enumerate(instance.traces[answer.first :]):
        actual = trace(actions[position]) if position < len(actions) else None
        if actual != recorded:
            is_tolerated = actual is not None and actual.compared_on_azure == recorded.compared_on_azure
            yield Difference(
                sentence=_sentence(instance, answer.first + position, recorded, actual), is_tolerated=is_tolerated
            )


def _sentence(instance: Instance, position: int, recorded: Trace, actual: Trace | None) -> str:
    return (
        f"Non-deterministic orchestrator '{instance.row.name}': at position {position} history has {recorded}, replay "
        f"asked for {actual or 'nothing more'}. "
        "Let running instances finish before changing their orchestrator, or give the change a new name."
    )
