"""Compare what lies in the hub with what was done, and start what no event brought, by the same ids.

Lost events cost time, never files. An arrival is left to its event for a minute first. Looking blocks, so it happens in
a thread; starting is the Durable client's, on the loop.
"""

import asyncio
from datetime import timedelta

from activities.inference.members import groups, lying
from activities.inference.streams import sweep_streams
from activities.inference.windows import unclaimed, window_index
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.inference.open_runs import start_inference
from shared.application.inference.starts import open_window
from shared.clients import Clients
from shared.codec import UndecodableError
from shared.domain import identity
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import Grouping, Route
from shared.durable.starting import Client, Start
from shared.ports import Blob
from shared.records import paths
from shared.records.inference import claim_of

GRACE = timedelta(seconds=60)


async def sweep_arrivals(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    parts, started, opened = Parts("arrivals"), 0, 0
    for route in clients.configuration.routes:
        with parts.part(f"route {route.name}"):
            if route.group.kind in (Grouping.WINDOW, Grouping.SCHEDULE):
                opened += await _sweep_windows(client, clients, route, parts)
            else:
                started += await _sweep_route(client, clients, route, parts)
    opened += await sweep_streams(client, clients, parts)
    return await parts.conclude(clients, c.Swept(started=started, opened=opened))


async def _sweep_windows(client: Client, clients: Clients, route: Route, parts: Parts) -> int:
    waiting, unstarted = await asyncio.to_thread(_forgotten_windows, clients, route, parts)
    for inference in unstarted:
        with parts.part(f"run {inference.run}"):
            await start_inference(client, clients.hub, inference)
    if route.group.kind is Grouping.SCHEDULE:
        return 0  # What waits there waits for its schedule.
    opened = 0
    for watch in waiting:
        window = identity.window_id(route.name, watch.group)
        with parts.part(f"window {window}"):
            opened += await open_window(client, watch) is Start.STARTED
    return opened


async def _sweep_route(client: Client, clients: Clients, route: Route, parts: Parts) -> int:
    missing, handled = await asyncio.to_thread(_missing_runs, clients, route, parts)
    started = 0
    for known, inference in missing.items():
        handled.discard(known)  # Until it is started it is not seen to.
        with parts.part(f"run {inference.run}"):
            started += await start_inference(client, clients.hub, inference) is Start.STARTED
            handled.add(known)
    await asyncio.to_thread(_remember, clients, route, handled)
    return started


def _forgotten_windows(clients: Clients, route: Route, parts: Parts) -> tuple[list[c.WindowWatch], list[c.Inference]]:
    """Windows with files that no run has, and runs that a window claimed files for and nobody started."""
    waiting, unstarted = list[c.WindowWatch](), list[c.Inference]()
    for group in groups(clients, route):
        watch = c.WindowWatch(route=route, hub=clients.configuration.hub, group=group)
        with parts.part(f"window {identity.window_id(route.name, group)} of route {route.name}"):
            if unclaimed(clients, watch):
                waiting.append(watch)
            unstarted += [
                claim_of(clients.store, run).inference
                for run in window_index(clients, watch).claims.values()
                if not clients.store.exists(paths.run_record(run))
            ]
    return waiting, unstarted


def _missing_runs(clients: Clients, route: Route, parts: Parts) -> tuple[dict[str, c.Inference], set[str]]:
    """Runs that nobody opened for what has lain there for a while, by their arrivals, and all that is seen to."""
    before, handled, missing = _handled(clients, route), set[str](), dict[str, c.Inference]()
    for blob in lying(clients, route):
        with parts.part(f"file {blob.container}/{blob.path}"):
            arrival = _arrival(clients, blob)
            known = identity.arrival_id(arrival)
            if known not in before and clients.clock.now() - blob.modified < GRACE:
                continue
            inference = None if known in before else _unopened(clients, route, arrival)
            if inference is not None:
                missing[known] = inference
            handled.add(known)
    return missing, handled


def _unopened(clients: Clients, route: Route, arrival: Arrival) -> c.Inference | None:
    today, hub = clients.clock.now().date().isoformat(), clients.configuration.hub
    captures = route.captures(arrival.location) or route.group_key(arrival.location)
    inference = c.Inference.of(route, hub, arrival, captures, today)
    return None if clients.store.exists(paths.run_record(inference.run)) else inference


def _arrival(clients: Clients, blob: Blob) -> Arrival:
    account = clients.configuration.hub.account
    return Arrival(account=account, container=blob.container, path=blob.path, etag=blob.etag, size=blob.size)


def _handled(clients: Clients, route: Route) -> set[str]:
    try:
        return set(clients.store.get(tuple[str, ...], paths.swept(route.name)) or ())
    except UndecodableError:
        return set()  # What it said is found out again.


def _remember(clients: Clients, route: Route, handled: set[str]) -> None:
    """What a sweep has seen to, of what still lies there; losing this record costs only time."""
    path = paths.swept(route.name)
    if handled != _handled(clients, route) or not clients.store.exists(path):
        clients.store.overwrite(path, sorted(handled))
