"""Parts of the SDK that only the host can care for: how it replays, its client's HTTP session, what it does too often.

It stands alone, so that the code that reaches into the SDK is easy to find.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from typing import Any

from azure.durable_functions.models.actions.CompoundAction import CompoundAction
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.DurableOrchestrationContext import DurableOrchestrationContext
from azure.durable_functions.models.history import HistoryEvent
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor
from azure.durable_functions.models.utils import http_utils

Handle = Callable[..., str]
"""What `Orchestrator.create` of the SDK makes of an orchestrator: the context in, the orchestrator state out."""

_named_tuple = lru_cache(namedtuple)
# By name, as dateutil comes without types.
_parse = import_module("dateutil.parser").parse
_UTC = import_module("dateutil.tz").UTC  # The zone that `_parse` gives, of which there is one object.


async def close_client_session() -> None:
    """Close the session; its lock is renewed because it remembers the event loop of an earlier host."""
    await http_utils._close_session()
    http_utils._session_lock = asyncio.Lock()


def spare_repetition() -> None:
    """Have the SDK read the moments of histories without dateutil's guesses, which were half of a replay's time, and
    make the class of the executor's table once, not for every replay."""
    models = "azure.durable_functions.models"
    for name in ("history.HistoryEvent", "DurableOrchestrationStatus"):
        vars(import_module(f"{models}.{name}"))["dt_parse"] = moment
    vars(import_module(f"{models}.TaskOrchestrationExecutor"))["namedtuple"] = _named_tuple


def moment(text: object) -> datetime:
    """What dateutil makes of *text*. A cache of what it made took 45 MB, and a text in UTC needs none."""
    if isinstance(text, str) and text.endswith("Z"):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=_UTC)
    value: datetime = _parse(text)
    return value


class OrchestratorSession:
    """An orchestrator with its generator alive, so that a step costs its new events and not the whole history.

    It does what `azure.durable_functions.orchestrator.Orchestrator.handle` does, and keeps the executor for the next
    step, as the extended sessions of the .NET host do. Both methods return the orchestrator state as JSON text, with
    the actions that are new since the step before, and raise what the SDK raises.
    """

    def __init__(self, handle: Handle, context: str) -> None:
        self._generator_function = getattr(handle, "orchestrator_function")  # noqa: B009 (an attribute of a function)
        self._context = DurableOrchestrationContext.from_json(context)
        self._context._input_expected_type = getattr(handle, "_df_input_type", None)
        self._executor = TaskOrchestrationExecutor()
        self._timers: list[CreateTimerAction] = []

    @staticmethod
    def serves(handle: Handle) -> bool:
        """Whether *handle* is the SDK's own: a wrapper around it must be called, as its author expects."""
        return hasattr(handle, "orchestrator_function")

    def begin(self) -> str:
        """Replay the whole history of the context."""
        return self._finish(self._executor.execute(self._context, self._context.histories, self._generator_function))

    def resume(self, events: str) -> str:
        """Go on with *events*, a JSON array, none of which the orchestrator has seen."""
        self._context._action_payload_v2 = []
        for fields in json.loads(events):
            event = HistoryEvent(**fields)
            self._context.histories.append(event)
            self._executor.process_event(event)
            if self._executor.has_execution_completed:
                break
        return self._finish(self._executor.get_orchestrator_state_str())

    @property
    def is_waiting(self) -> bool:
        """Whether the generator waits for more events."""
        return hasattr(self._executor, "generator") and not self._executor.has_execution_completed

    @property
    def timer_cancellations(self) -> list[bool]:
        """For every timer that was created so far, in order, whether it is cancelled by now."""
        return [timer.is_cancelled for timer in self._timers]

    def close(self) -> None:
        """End the generator, whose `finally` blocks run."""
        self._executor.generator.close()

    def _finish(self, state: str) -> str:
        self._timers.extend(_timers(self._context._action_payload_v2))
        return state


def _timers(actions: Iterable[Any]) -> Iterator[CreateTimerAction]:
    for action in actions:
        if isinstance(action, CompoundAction):
            yield from _timers(action.compound_tasks)
        elif isinstance(action, CreateTimerAction):
            yield action
