"""What an orchestrator may use: activities, children, timers, events and its own time, all the same on every replay."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import azure.durable_functions as df

from shared.codec import Encoder, decode, encode
from shared.durable.failures import gave_up, raise_value
from shared.telemetry.carried import Carried, carry

if TYPE_CHECKING:
    from shared.contracts import Activity, ExternalEvent, Orchestration

In = TypeVar("In")
Out = TypeVar("Out")
Steps = Generator[Any, Any, Out]

# Six attempts a second apart ride out a throttled account or a host that restarts. A longer outage fails the step with
# its message, and a sweep or a person tries the run again: a policy of hours would hide the outage from both.
_RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=1_000, max_number_of_attempts=6)


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

    @property
    def version(self) -> str:
        """`defaultVersion` of host.json when this instance was started. A release that changes steps branches on it."""
        return str(self._inner.version or "")

    def unique(self) -> str:
        """An id that is new here and the same on every replay."""
        return str(self._inner.new_guid())

    def show(self, step: str, **facts: object) -> None:
        """Make the step visible in the instance's custom status."""
        self._inner.set_custom_status({"step": step, **facts})

    def outgoing(self, payload: object) -> Any:
        """*payload* as it crosses to an activity or a child. Every replay makes all of them anew."""
        return carry(self._encoder.encode(payload), self._carries)

    def sdk(self) -> df.DurableOrchestrationContext:
        return self._inner


def call(ctx: Context, activity: Activity[In, Out], payload: In) -> Steps[Out]:
    """The activity's result. Raises Refused (permanent) or StepFailed (retries used up)."""
    try:
        raw = yield ctx.sdk().call_activity_with_retry(activity.name, _RETRY, ctx.outgoing(payload))
    except Exception as error:  # The SDK reports every failed task as a bare Exception.
        raise gave_up(activity.name, error) from error
    # Durable retries every exception alike and hands on only its text. So a refusal comes back as a value, which is
    # neither tried again nor mistaken for a fault, and becomes an exception only here.
    raise_value(activity.name, raw)
    return decode(activity.gives, raw)


def run_child(ctx: Context, orchestration: Orchestration[In, Out], payload: In, instance: str) -> Steps[Out]:
    """The result of a sub-orchestration under an id of our choice. Raises StepFailed."""
    try:
        raw = yield ctx.sdk().call_sub_orchestrator(orchestration.name, ctx.outgoing(payload), instance)
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
    # On Azure an orchestration with an open timer does not complete (the local host does not imitate that). Without
    # this line a promotion that was approved on the first day would stay "Running" until the deadline of its approval.
    deadline.cancel()
    return True


def start_over(ctx: Context, payload: object) -> None:
    """Continue as new: the same instance with *payload* and an empty history."""
    # *came_with* and not what this execution's own calls carry: the new execution hangs below the first start too, and
    # not below a span that ends now.
    ctx.sdk().continue_as_new(carry(encode(payload), ctx.came_with))
