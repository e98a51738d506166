"""Bind the app's durable functions to the runtime with the SDK's converters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from azure.functions.meta import Datum

from signalbox.host.bindings import converter
from signalbox.host.containment import containing
from signalbox.host.durable.activities import ActivityFunction
from signalbox.host.durable.engine import DurableFunctions
from signalbox.host.durable.entities import EntityFunction
from signalbox.host.durable.model import ActivityRow
from signalbox.host.durable.orchestrations.replay import Orchestrator
from signalbox.host.functions import Function
from signalbox.host.invocation import Invoker


def durable_functions(functions: Iterable[Function], invoker: Invoker) -> DurableFunctions:
    """The durable ones among *functions*, by the names orchestrators use."""
    all_functions = list(functions)
    return DurableFunctions(
        orchestrators={
            _name(f, "orchestration"): _orchestrator(f) for f in all_functions if f.kind == "orchestrationTrigger"
        },
        activities={_name(f, "activity"): _activity(f, invoker) for f in all_functions if f.kind == "activityTrigger"},
        entities={_name(f, "entityName"): _entity(f, invoker) for f in all_functions if f.kind == "entityTrigger"},
    )


def _name(function: Function, field: str) -> str:
    return str(function.trigger.get(field) or function.name)


def _orchestrator(function: Function) -> Orchestrator:
    decode = converter("orchestrationTrigger").decode

    def run(context: str) -> str:
        with containing(function.name):
            answer: str = function.code(**{function.argument: decode(Datum(context, "json"), trigger_metadata=None)})
        return answer

    return run


def _activity(function: Function, invoker: Invoker) -> ActivityFunction:
    encode = converter("activityTrigger").encode

    async def run(row: ActivityRow) -> str:
        result = await invoker.invoke(function, Datum(row.input, "string"), instance=row.instance_id)
        with containing(function.name):  # The result's class may bring its own to_json.
            text: str = encode(result, expected_type=None).value
        return text

    return run


def _entity(function: Function, invoker: Invoker) -> EntityFunction:
    async def run(context: str) -> str:
        answer: Any = await invoker.invoke(function, Datum(context, "json"))
        return str(answer)

    return run
