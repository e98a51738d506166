"""Registration of activities and orchestrations. Contracts and bodies are imported at their first call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import azure.durable_functions as df

from shared.codec import decode, encode
from shared.domain.failures import PutOff, Refused
from shared.durable.context import Context
from shared.durable.failures import as_value
from shared.telemetry.activities import execution
from shared.telemetry.carried import carried_in
from shared.telemetry.spans import orchestrated

if TYPE_CHECKING:
    from shared.contracts import Activity, Orchestration

Blueprint: TypeAlias = df.Blueprint
Body: TypeAlias = Callable[..., Any]


def later(module: str, name: str) -> Callable[[], tuple[Any, Body]]:
    """The contract called *name* (in capitals, as constants are) and the body of that name in *module*, on demand."""

    @cache
    def find() -> tuple[Any, Body]:
        return getattr(import_module("shared.contracts"), name.upper()), getattr(import_module(module), name)

    return find


def add_activity(
    blueprint: Blueprint, name: str, find: Callable[[], tuple[Activity[Any, Any], Body]], clients: Callable[[], Any]
) -> None:
    """Register the activity *name*; its contract, its body and the clients are found at its first call."""

    def handler(payload) -> Any:  # type: ignore[no-untyped-def]  # The SDK would decode by an annotation.
        try:
            with execution(name, payload) as running:
                (activity, body), made = find(), clients()
                given = decode(activity.takes, payload)
                return encode(running.gave(given, body(made, given), made.clock.now()))
        except (Refused, PutOff) as failure:
            return as_value(find()[0], failure)

    handler.__name__ = name
    blueprint.activity_trigger(input_name="payload")(handler)


def add_starting_activity(
    blueprint: Blueprint, name: str, find: Callable[[], tuple[Activity[Any, Any], Body]], clients: Callable[[], Any]
) -> None:
    """Register an activity that starts orchestrations: its body gets the Durable client too, and is awaited."""

    async def handler(payload, client) -> Any:  # type: ignore[no-untyped-def]  # As above.
        try:
            with execution(name, payload) as running:
                (activity, body), made = find(), clients()
                given = decode(activity.takes, payload)
                with running.starting(made.clock.now()):
                    result = await body(client, made, given)
                return encode(running.gave(given, result, made.clock.now()))
        except (Refused, PutOff) as failure:
            return as_value(find()[0], failure)

    handler.__name__ = name
    bound = blueprint.durable_client_input(client_name="client")
    bound(blueprint.activity_trigger(input_name="payload")(handler))


def add_orchestration(
    blueprint: Blueprint, name: str, find: Callable[[], tuple[Orchestration[Any, Any], Body]]
) -> None:
    """Register the orchestration *name*, found at its first call."""
    blueprint.orchestration_trigger(context_name="context")(orchestrator_handler(name, find))


def orchestrator_handler(
    name: str, find: Callable[[], tuple[Orchestration[Any, Any], Body]]
) -> Callable[[df.DurableOrchestrationContext], Generator[Any, Any, Any]]:
    """The generator function that the SDK replays."""

    def handler(context):  # type: ignore[no-untyped-def]  # As above.
        orchestration, body = find()
        raw = context.get_input()
        ctx = Context(context, carried_in(raw))
        began = ctx.now
        try:
            result = yield from body(ctx, decode(orchestration.takes, raw))
        except Exception as error:  # Not GeneratorExit: that is how the SDK puts a replay away that is not at its end.
            _ended(ctx, name, began, type(error).__name__)
            raise
        _ended(ctx, name, began)
        return encode(result)

    assert inspect.isgeneratorfunction(handler)
    handler.__name__ = name
    return handler


def _ended(ctx: Context, name: str, began: datetime, error: str = "") -> None:
    if ctx.came_with:
        orchestrated(name, ctx.instance, ctx.came_with, began, ctx.now, error)
