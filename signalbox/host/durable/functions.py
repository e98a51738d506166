"""Bind the app's durable functions to the runtime with the SDK's converters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from azure.functions.meta import Datum

from signalbox.host.bindings import converter
from signalbox.host.containment import containing
from signalbox.host.durable.activities import ActivityFunction
from signalbox.host.durable.engine import DurableFunctions
from signalbox.host.durable.entities import EntityFunction
from signalbox.host.durable.model import ActivityRow
from signalbox.host.durable.orchestrations.replay import Orchestrator
from signalbox.host.durable.orchestrations.state import Session
from signalbox.host.durable.sdk import OrchestratorSession
from signalbox.host.functions import Function
from signalbox.host.invocation import Calls


def durable_functions(
    functions: Iterable[Function], invoker: Calls, orchestrators: Mapping[str, Orchestrator]
) -> DurableFunctions:
    """The durable ones among *functions*, by the names orchestrators use."""
    all_functions = list(functions)
    return DurableFunctions(
        orchestrators=orchestrators,
        activities={name: _activity(f, invoker) for name, f in _of_kind(all_functions, "activityTrigger")},
        entities={name: _entity(f, invoker) for name, f in _of_kind(all_functions, "entityTrigger")},
    )


def app_orchestrators(functions: Iterable[Function]) -> dict[str, Orchestrator]:
    """The orchestrators among *functions*, by the names that start them."""
    return {name: _AppOrchestrator(function) for name, function in orchestrator_functions(functions).items()}


def orchestrator_functions(functions: Iterable[Function]) -> dict[str, Function]:
    """The functions of orchestrators, by the names that start them."""
    return dict(_of_kind(functions, "orchestrationTrigger"))


def durable_names(functions: Collection[Function]) -> frozenset[str]:
    """The names of all orchestrators, activities and entities among *functions*, as orchestrations call them."""
    return frozenset(name for kind in _NAME_FIELDS for name, _ in _of_kind(functions, kind))


_NAME_FIELDS = {"orchestrationTrigger": "orchestration", "activityTrigger": "activity", "entityTrigger": "entityName"}


def _of_kind(functions: Iterable[Function], kind: str) -> Iterator[tuple[str, Function]]:
    for function in functions:
        if function.kind == kind:
            yield str(function.trigger.get(_NAME_FIELDS[kind]) or function.name), function


class _AppOrchestrator:
    """An orchestrator of the app, behind the SDK."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._decode = converter("orchestrationTrigger").decode

    def open(self, context: str) -> tuple[Session | None, str]:
        name, handle = self._function.name, self._function.code
        with containing(name):
            if not OrchestratorSession.serves(handle):
                return None, handle(
                    **{self._function.argument: self._decode(Datum(context, "json"), trigger_metadata=None)}
                )
            session = OrchestratorSession(handle, context)
            return _ContainedSession(session, name), session.begin()


class _ContainedSession:
    """A session whose orchestrator cannot end the host."""

    def __init__(self, session: OrchestratorSession, name: str) -> None:
        self._session, self._name = session, name

    def resume(self, events: str) -> str:
        with containing(self._name):
            return self._session.resume(events)

    @property
    def is_waiting(self) -> bool:
        return self._session.is_waiting

    @property
    def timer_cancellations(self) -> list[bool]:
        return self._session.timer_cancellations

    def close(self) -> None:
        with containing(self._name):
            self._session.close()


def _activity(function: Function, invoker: Calls) -> ActivityFunction:
    async def run(row: ActivityRow) -> str:
        text: str = await invoker.answer(function, Datum(row.input, "string"), instance=row.instance_id)
        return text

    return run


def _entity(function: Function, invoker: Calls) -> EntityFunction:
    async def run(context: str) -> str:
        state: str = await invoker.answer(function, Datum(context, "json"))
        return state

    return run
