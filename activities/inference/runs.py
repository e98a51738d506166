"""A run's own record: opened once, closed once, and the orders that people gave in between."""

import asyncio
import json
import logging

from activities.drift.windows import watch_run
from activities.effects import once, stamp
from shared import contracts as c
from shared.application.inference.open_runs import forget_open, start_inference
from shared.clients import Clients
from shared.codec import encode
from shared.domain.failures import Transient
from shared.domain.inference.runs import RunOutcome
from shared.durable.starting import Client
from shared.records import paths as records
from shared.records.listings import RUNS, keep_listed

_log = logging.getLogger(__name__)


def open_run(clients: Clients, opening: c.RunOpening) -> c.RunOpened:
    """The run's record, created by the first execution; any other execution learns who was first."""
    request, state = opening.inference, opening.inference.hub.state
    path = records.run_record(request.run)
    record = {
        "run": request.run,
        "route": request.route.name,
        "execution": opening.execution,
        "opened": stamp(clients),
        "inference": encode(request),
    }
    metadata = {"route": request.route.name, "opened": record["opened"], "outcome": ""}
    if clients.hub.create(state, path, json.dumps(record).encode(), metadata):
        keep_listed(clients.hub, state, RUNS, request.run, metadata)
        return c.RunOpened()
    first = json.loads(clients.hub.read(state, path) or b"{}")
    if first.get("execution") == opening.execution:
        if not first.get("outcome"):  # A repeat: the first may have ended between its two writes.
            keep_listed(clients.hub, state, RUNS, request.run, metadata | {"opened": first["opened"]})
        return c.RunOpened()
    because = f"run {request.run} was opened at {first.get('opened')}; to score again, reprocess it with a reason"
    return c.RunOpened(already=RunOutcome(first.get("outcome") or RunOutcome.DUPLICATE), because=because)


async def close_run(client: Client, clients: Clients, closing: c.RunClosing) -> c.Done:
    """Write the outcome on the run's record and have its drift checked; it is open until its result is told, too."""
    done = await asyncio.to_thread(_close, clients, closing)
    await watch_run(client, clients, closing)
    return done


def _close(clients: Clients, closing: c.RunClosing) -> c.Done:

    def act() -> c.Done:
        at = stamp(clients)
        _write_outcome(clients, closing, at)
        return c.Done(at=at)

    done = once(clients, closing.key, c.Done, act)
    if closing.last or not closing.inference.hub.results:
        forget_open(clients.hub, closing.inference)  # At a repeat too: a late event may have put it on the list again.
    return done


def look_at_orders(clients: Clients, look: c.RunLook) -> c.RunOrders:
    state, run = look.inference.hub.state, look.inference.run
    return c.RunOrders(
        cancelled=clients.hub.find(state, records.order(run, "cancel")) is not None,
        released=clients.hub.find(state, records.order(run, "release")) is not None,
    )


async def start_run(client: Client, clients: Clients, start: c.RunStart) -> c.Done:
    """Start the run as its own instance, so that the window can go on collecting."""
    how = await start_inference(client, clients.hub, start.inference)
    return c.Done(at=how.value)


def _write_outcome(clients: Clients, closing: c.RunClosing, at: str) -> None:
    state, path = closing.inference.hub.state, records.run_record(closing.result.run)
    there, raw = clients.hub.find(state, path), clients.hub.read(state, path)
    if there is None or raw is None:
        _restore(clients, closing, at)
        raise Transient(f"the record of run {closing.result.run} was gone from {state}/{path}; it was made anew")
    record = json.loads(raw) | {"closed": at} | encode(closing.result)
    metadata = dict(there.metadata) | {"outcome": closing.result.outcome.value, "closed": at}
    if not clients.hub.replace(state, path, json.dumps(record).encode(), there.etag, metadata):
        raise Transient(f"the record of run {closing.result.run} changed while it was being closed")
    keep_listed(clients.hub, state, RUNS, closing.result.run, metadata)


def _restore(clients: Clients, closing: c.RunClosing, at: str) -> None:
    """Make the record anew, from what the orchestration knows: a store that forgets must not fail a run for it."""
    request = closing.inference
    _log.warning("the store has lost the record of run %s", request.run)
    record = {"run": request.run, "route": request.route.name, "execution": "", "opened": at, "restored": at}
    metadata = {"route": request.route.name, "opened": at, "outcome": ""}
    content = json.dumps(record | {"inference": encode(request)}).encode()
    clients.hub.create(request.hub.state, records.run_record(request.run), content, metadata)
