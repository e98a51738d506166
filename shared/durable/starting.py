"""Start orchestrations once, look at them, and wake them: what everything outside an orchestrator does with one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from azure.durable_functions import DurableOrchestrationClient

from shared.codec import encode
from shared.telemetry.carried import carry
from shared.telemetry.spans import count_start, start_span

if TYPE_CHECKING:
    from shared.contracts import ExternalEvent, Orchestration

In = TypeVar("In")
Out = TypeVar("Out")
Client: TypeAlias = DurableOrchestrationClient


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
    custom_status: dict[str, Any] = field(default_factory=dict)


_RUNNING, COMPLETED, FAILED = {"Pending", "Running", "ContinuedAsNew", "Suspended"}, "Completed", "Failed"


async def find_instance(client: Client, instance: str) -> Instance | None:
    status_report = await client.get_status(instance)
    if not status_report or status_report.runtime_status is None:
        return None
    status = str(status_report.runtime_status.value)
    custom_status = status_report.custom_status if isinstance(status_report.custom_status, dict) else {}
    return Instance(
        id=instance,
        status=status,
        running=status in _RUNNING,
        name=str(status_report.name or ""),
        step=str(custom_status.get("step", "")),
        output=status_report.output,
        custom_status=custom_status,
    )


async def find_input(client: Client, instance: str) -> tuple[str, Any] | None:
    """The name of the orchestration that *instance* is of, and its input; None where the host does not know it."""
    status_report = await client.get_status(instance, show_input=True)
    if not status_report or status_report.runtime_status is None:
        return None
    return str(status_report.name or ""), status_report.input_


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
    # Between this look and the start another process may start the same id. Locking would need a lease that outlives a
    # crash; the orchestration's own first effect, a conditional create, decides such a race for free.
    with start_span("start", orchestration.name, instance, again=again) as trace_link:
        existing = None if unique else await find_instance(client, instance)
        if existing and (existing.running or not again):
            start = Start.RUNNING if existing.running else Start.FINISHED
        else:
            if first:
                await first()
            start = await _start(client, orchestration.name, instance, carry(encode(payload), trace_link))
        count_start(orchestration.name, start.value, started=start is Start.STARTED)
    return start


async def _start(client: Client, name: str, instance: str, payload: object) -> Start:
    try:
        await client.start_new(name, instance, payload)
    except Exception:  # The SDK raises a bare Exception for a conflict, and for everything else.
        if await find_instance(client, instance):
            return Start.RUNNING
        raise
    return Start.STARTED


async def wake(client: Client, instance: str, event: ExternalEvent) -> bool:
    """Raise *event* if the instance runs; False where nobody is there to hear it."""
    if not await _runs(client, instance):
        return False
    with start_span("wake", event.name, instance):
        try:
            await client.raise_event(instance, event.name, True)
        except Exception:  # The SDK raises a bare Exception for one that has ended meanwhile, and for everything else.
            if await _runs(client, instance):
                raise
            return False
    return True


async def _runs(client: Client, instance: str) -> bool:
    return bool((status := await find_instance(client, instance)) and status.running)
