"""Registration of activities and orchestrations. Contracts and bodies are imported at their first call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from datetime import datetime
from importlib import import_module
from typing import Any, TypeAlias

import azure.durable_functions as df

from shared.codec import decode, encode
from shared.domain.failures import PutOff, Refused
from shared.durable.context import Context
from shared.durable.deferred import load
from shared.durable.failures import as_value
from shared.telemetry.activities import execution
from shared.telemetry.carried import carried_in
from shared.telemetry.spans import record_orchestration

Blueprint: TypeAlias = df.Blueprint
Body: TypeAlias = Callable[..., Any]


def add_activity(blueprint: Blueprint, body: Body, clients: Callable[[], Any]) -> None:
    """Register the activity of *body*'s name; its contract, its body and the clients are found at its first call."""

    def handler(payload) -> Any:  # type: ignore[no-untyped-def]  # The SDK would decode by an annotation.
        try:
            with execution(body.__name__, payload) as running:
                ports, order = clients(), decode(_contract(body.__name__).takes, payload)
                return encode(running.gave(order, load(body)(ports, order), ports.clock.now()))
        except (Refused, PutOff) as failure:
            return as_value(_contract(body.__name__), failure)

    handler.__name__ = body.__name__
    blueprint.activity_trigger(input_name="payload")(handler)


def add_starting_activity(blueprint: Blueprint, body: Body, clients: Callable[[], Any]) -> None:
    """Register an activity that starts orchestrations: its body gets the Durable client too, and is awaited."""

    async def handler(payload, client) -> Any:  # type: ignore[no-untyped-def]  # The SDK would decode by an annotation.
        try:
            with execution(body.__name__, payload) as running:
                ports, order = clients(), decode(_contract(body.__name__).takes, payload)
                with running.starting(ports.clock.now()):
                    result = await load(body)(client, ports, order)
                return encode(running.gave(order, result, ports.clock.now()))
        except (Refused, PutOff) as failure:
            return as_value(_contract(body.__name__), failure)

    handler.__name__ = body.__name__
    bind_client = blueprint.durable_client_input(client_name="client")
    bind_client(blueprint.activity_trigger(input_name="payload")(handler))


def add_orchestration(blueprint: Blueprint, body: Body) -> None:
    """Register the orchestration of *body*'s name; its contract and its body are found at its first call."""
    blueprint.orchestration_trigger(context_name="context")(orchestrator_handler(body.__name__, body))


def orchestrator_handler(name: str, body: Body) -> Callable[[df.DurableOrchestrationContext], Generator[Any, Any, Any]]:
    """The generator function that the SDK replays for the orchestration *name*."""

    def handler(context):  # type: ignore[no-untyped-def]  # The SDK would decode by an annotation.
        raw = context.get_input()
        ctx = Context(context, carried_in(raw))
        started_at = ctx.now  # The orchestration's own time: the host's clock would differ at every replay.
        try:
            result = yield from load(body)(ctx, decode(_contract(name).takes, raw))
        except Exception as error:  # Not GeneratorExit: that is how the SDK puts a replay away that is not at its end.
            _note_end(ctx, name, started_at, type(error).__name__)
            raise
        _note_end(ctx, name, started_at)
        return encode(result)

    assert inspect.isgeneratorfunction(handler)
    handler.__name__ = name
    return handler


def _contract(name: str) -> Any:
    """The contract of the activity or orchestration *name*, whose name it has in capitals, as constants have."""
    return getattr(import_module("shared.contracts"), name.upper())


def _note_end(ctx: Context, name: str, started_at: datetime, error: str = "") -> None:
    if ctx.came_with:
        record_orchestration(name, ctx.instance, ctx.came_with, started_at, ctx.now, error)
