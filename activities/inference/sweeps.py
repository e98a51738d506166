"""Compare what lies in the hub with what was done, and start what no event brought, by the same ids.

Lost events cost time, never files. An arrival is left to its event for a minute first. Looking blocks, so it happens in
a thread; starting is the Durable client's, on the loop.
"""

import asyncio
from collections.abc import Set
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
from shared.records import paths
from shared.records.inference import claim_of

GRACE = timedelta(seconds=60)


async def sweep_arrivals(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    parts, runs, windows = Parts("arrivals"), 0, 0
    for route in clients.configuration.routes:
        with parts.part(f"route {route.name}"):
            if route.group.kind in (Grouping.WINDOW, Grouping.SCHEDULE):
                windows += await _sweep_windows(client, clients, route, parts)
            else:
                runs += await _sweep_route(client, clients, route, parts)
    windows += await sweep_streams(client, clients, parts)
    return await parts.conclude(clients, c.Swept(started=runs, opened=windows))


async def _sweep_windows(client: Client, clients: Clients, route: Route, parts: Parts) -> int:
    waiting, waiting_runs = await asyncio.to_thread(_forgotten_windows, clients, route, parts)
    for inference in waiting_runs:
        with parts.part(f"run {inference.run}"):
            await start_inference(client, clients.hub, inference)
    if route.group.kind is Grouping.SCHEDULE:
        return 0  # What waits there waits for its schedule.
    windows = 0
    for watch in waiting:
        window = identity.window_id(route.name, watch.group)
        with parts.part(f"window {window}"):
            windows += await open_window(client, watch) is Start.STARTED
    return windows


async def _sweep_route(client: Client, clients: Clients, route: Route, parts: Parts) -> int:
    handled_before = await asyncio.to_thread(_handled, clients, route)
    missing, handled_ids = await asyncio.to_thread(_missing_runs, clients, route, parts, handled_before or set())
    runs = 0
    for arrival_id, inference in missing.items():
        handled_ids.discard(arrival_id)  # Until it is started it is not seen to.
        with parts.part(f"run {inference.run}"):
            runs += await start_inference(client, clients.hub, inference) is Start.STARTED
            handled_ids.add(arrival_id)
    if handled_ids != handled_before:
        # What a sweep has seen to, of what still lies there; losing this record costs only time.
        await asyncio.to_thread(clients.store.overwrite, paths.swept(route.name), sorted(handled_ids))
    return runs


def _forgotten_windows(clients: Clients, route: Route, parts: Parts) -> tuple[list[c.WindowWatch], list[c.Inference]]:
    """Windows with files that no run has, and runs that a window claimed files for and nobody started."""
    waiting, waiting_runs = list[c.WindowWatch](), list[c.Inference]()
    for group in groups(clients, route):
        watch = c.WindowWatch(route=route, hub=clients.configuration.hub, group=group)
        with parts.part(f"window {identity.window_id(route.name, group)} of route {route.name}"):
            if unclaimed(clients, watch):
                waiting.append(watch)
            waiting_runs += [
                claim_of(clients.store, run).inference
                for run in window_index(clients, watch).claims.values()
                if not clients.store.exists(paths.run_record(run))
            ]
    return waiting, waiting_runs


def _missing_runs(
    clients: Clients, route: Route, parts: Parts, before: Set[str]
) -> tuple[dict[str, c.Inference], set[str]]:
    """Runs that nobody opened for what has lain there for a while, by their arrivals, and all that is seen to.

    The arrivals *before* were seen to by an earlier sweep.
    """
    handled_ids, missing = set[str](), dict[str, c.Inference]()
    for blob in lying(clients, route):
        with parts.part(f"file {blob.container}/{blob.path}"):
            arrival = blob.arrival(clients.configuration.account_of(blob.container))
            arrival_id = identity.arrival_id(arrival)
            # Young files are left to their events. Starting them here would count every arrival as a lost event.
            if arrival_id not in before and blob.age(clients.clock.now()) < GRACE:
                continue
            inference = None if arrival_id in before else _unopened(clients, route, arrival)
            if inference is not None:
                missing[arrival_id] = inference
            handled_ids.add(arrival_id)
    return missing, handled_ids


def _unopened(clients: Clients, route: Route, arrival: Arrival) -> c.Inference | None:
    today, hub = clients.clock.now().date().isoformat(), clients.configuration.hub
    captures = route.captures(arrival.location) or route.group_key(arrival.location)
    inference = c.Inference.of(route, hub, arrival, captures, today)
    return None if clients.store.exists(paths.run_record(inference.run)) else inference


def _handled(clients: Clients, route: Route) -> set[str] | None:
    """What the last sweep of *route* has seen to; None before the first one, and where its record cannot be read."""
    try:
        arrival_ids = clients.store.get(tuple[str, ...], paths.swept(route.name))
    except UndecodableError:
        return None  # What it said is found out again.
    return None if arrival_ids is None else set(arrival_ids)
