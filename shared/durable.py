"""The only place that knows the Durable Functions SDK (1.7; 2.x would be this one file).

A permanent refusal crosses from an activity as a value, so that it is never retried; only transient faults are raised.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import azure.durable_functions as df
from azure.durable_functions import DurableOrchestrationClient

from shared.codec import Encoder, decode, encode
from shared.crossing import StepFailed as StepFailed
from shared.crossing import as_value, gave_up, raise_value
from shared.domain.failures import PutOff, Refused
from shared.telemetry.activities import execution
from shared.telemetry.carried import Carried, carried_in, carry
from shared.telemetry.spans import orchestrated, telling, told

if TYPE_CHECKING:
    from shared.contracts import Activity, ExternalEvent, Orchestration

In = TypeVar("In")
Out = TypeVar("Out")
Steps = Generator[Any, Any, Out]
Blueprint: TypeAlias = df.Blueprint
Client: TypeAlias = DurableOrchestrationClient
Body: TypeAlias = Callable[..., Any]

_RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=1_000, max_number_of_attempts=6)

# Inside orchestrators -------------------------------------------------------------------------------------------


class Context:
    """What an orchestrator may use: the SDK's context, narrowed to what replays identically."""

    def __init__(self, inner: df.DurableOrchestrationContext, came_with: Carried | None = None) -> None:
        self._inner = inner
        self.came_with = came_with
        self._carries = came_with and came_with.under(self.instance, self.now.isoformat())
        self._encoder = Encoder()

    @property
    def instance(self) -> str:
        return str(self._inner.instance_id)

    @property
    def now(self) -> datetime:
        """The time of this step, the same on every replay (UTC)."""
        moment: datetime = self._inner.current_utc_datetime
        return moment

    def unique(self) -> str:
        """An id that is new here and the same on every replay."""
        return str(self._inner.new_guid())

    def show(self, step: str, **facts: object) -> None:
        """Make the step visible in the instance's custom status."""
        self._inner.set_custom_status({"step": step, **facts})

    def given(self, payload: object) -> Any:
        """*payload* as it crosses to an activity or a child. Every replay makes all of them anew."""
        return carry(self._encoder.encode(payload), self._carries)

    def sdk(self) -> df.DurableOrchestrationContext:
        return self._inner


def call(ctx: Context, activity: Activity[In, Out], payload: In) -> Steps[Out]:
    """The activity's result. Raises Refused (permanent) or StepFailed (retries used up)."""
    try:
        raw = yield ctx.sdk().call_activity_with_retry(activity.name, _RETRY, ctx.given(payload))
    except Exception as error:  # The SDK reports every failed task as a bare Exception.
        raise gave_up(activity.name, error) from error
    raise_value(activity.name, raw)
    return decode(activity.gives, raw)


def run_child(ctx: Context, orchestration: Orchestration[In, Out], payload: In, instance: str) -> Steps[Out]:
    """The result of a sub-orchestration under an id of our choice. Raises StepFailed."""
    try:
        raw = yield ctx.sdk().call_sub_orchestrator(orchestration.name, ctx.given(payload), instance)
    except Exception as error:  # The SDK reports every failed task as a bare Exception.
        raise gave_up(orchestration.name, error) from error
    return decode(orchestration.gives, raw)


def pause(ctx: Context, seconds: float) -> Steps[None]:
    yield ctx.sdk().create_timer(ctx.now + timedelta(seconds=seconds))


def wait_for(ctx: Context, event: ExternalEvent, seconds: float) -> Steps[bool]:
    """True once *event* has come, False after *seconds*."""
    arrival = ctx.sdk().wait_for_external_event(event.name)
    deadline = ctx.sdk().create_timer(ctx.now + timedelta(seconds=seconds))
    winner = yield ctx.sdk().task_any([arrival, deadline])
    if winner is not arrival:
        return False
    deadline.cancel()
    return True


def start_over(ctx: Context, payload: object) -> None:
    """Continue as new: the same instance with *payload* and an empty history."""
    ctx.sdk().continue_as_new(carry(encode(payload), ctx.came_with))


# Registration ---------------------------------------------------------------------------------------------------


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


# Starting -------------------------------------------------------------------------------------------------------


class Start(StrEnum):
    STARTED = "started"
    RUNNING = "already running"
    FINISHED = "already finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An orchestration instance as the host knows it."""

    id: str
    status: str
    running: bool
    name: str = ""
    step: str = ""
    output: Any = None
    shown: dict[str, Any] = field(default_factory=dict)


_RUNNING, COMPLETED, FAILED = {"Pending", "Running", "ContinuedAsNew", "Suspended"}, "Completed", "Failed"


async def find_instance(client: Client, instance: str) -> Instance | None:
    found = await client.get_status(instance)
    if not found or found.runtime_status is None:
        return None
    status = str(found.runtime_status.value)
    shown = found.custom_status if isinstance(found.custom_status, dict) else {}
    return Instance(
        id=instance,
        status=status,
        running=status in _RUNNING,
        name=str(found.name or ""),
        step=str(shown.get("step", "")),
        output=found.output,
        shown=shown,
    )


async def start_once(
    client: Client,
    orchestration: Orchestration[In, Out],
    instance: str,
    payload: In,
    *,
    again: bool = False,
    unique: bool = False,
    first: Callable[[], Awaitable[object]] | None = None,
) -> Start:
    """Start unless it runs, or (unless *again*) has run, *first* having been awaited; says which.

    A host refuses a start under a running id, and silently replaces a finished instance: so look first, and let the
    orchestration's own first effect, a conditional create, decide the race that is left. A *unique* id was made by
    chance just now, so that nothing can be there.
    """
    with telling("start", orchestration.name, instance, again=again) as carried:
        found = None if unique else await find_instance(client, instance)
        if found and (found.running or not again):
            how = Start.RUNNING if found.running else Start.FINISHED
        else:
            if first:
                await first()
            how = await _start(client, orchestration.name, instance, carry(encode(payload), carried))
        told(orchestration.name, how.value, started=how is Start.STARTED)
    return how


async def _start(client: Client, name: str, instance: str, given: object) -> Start:
    try:
        await client.start_new(name, instance, given)
    except Exception:  # The SDK raises a bare Exception for a conflict, and for everything else.
        if await find_instance(client, instance):
            return Start.RUNNING
        raise
    return Start.STARTED


async def wake(client: Client, instance: str, event: ExternalEvent) -> bool:
    """Raise *event* if the instance runs; False where nobody is there to hear it."""
    if not await _runs(client, instance):
        return False
    with telling("wake", event.name, instance):
        try:
            await client.raise_event(instance, event.name, True)
        except Exception:  # The SDK raises a bare Exception for one that has ended meanwhile, and for everything else.
            if await _runs(client, instance):
                raise
            return False
    return True


async def _runs(client: Client, instance: str) -> bool:
    return bool((found := await find_instance(client, instance)) and found.running)
