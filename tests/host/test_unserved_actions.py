"""What no SDK 1.x for Python can ask for is refused by name, should it arrive."""

import json
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.actions.CallActivityAction import CallActivityAction

from signalbox.host.testing import LocalHost

_LOCK = 13  # No action of the SDK has this number.


class _Lock(CallActivityAction):
    @property
    def action_type(self) -> int:
        return _LOCK


def app() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def locking(context: df.DurableOrchestrationContext) -> Any:
        yield context._generate_task(_Lock("lock"))

    @app.orchestration_trigger(context_name="context")
    def asking(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_entity(df.EntityId("sending", "k"), "go"))

    @app.generic_trigger(arg_name="context", type="entityTrigger", entityName="sending")
    def sending(context: func.EntityContext) -> str:
        """What the protocol has for the SDKs of other languages."""
        del context
        signal = {"target": {"name": "other", "key": "k"}, "name": "add", "input": "1"}
        result = {"isError": False, "result": "1", "duration": 0}
        return json.dumps({"entityExists": True, "entityState": "1", "results": [result], "signals": [signal]})

    return app


async def test_a_lock_is_refused_by_the_number_of_its_action(tmp_path: Path) -> None:
    async with LocalHost(app(), tmp_path) as host:
        await host.start("locking", "one")
        outcome = await host.wait("one")
    assert outcome.status == "Failed"
    assert "the orchestrator asked for action 13, which this host does not serve" in outcome.output


async def test_an_entity_that_signals_others_fails_its_operation(tmp_path: Path) -> None:
    async with LocalHost(app(), tmp_path) as host:
        await host.start("asking", "one")
        outcome = await host.wait("one")
    assert outcome.status == "Failed"
    assert "The entity 'sending' sends signals, which this host does not deliver." in outcome.output
