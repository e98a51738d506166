"""Compare what lies in the hub with what was done, and start what no event brought, by the same ids.

Lost events cost time, never files. An arrival is left to its event for a minute first. Looking blocks, so it happens in
a thread; starting is the Durable client's, on the loop.
"""

import asyncio
import json
from datetime import timedelta

from activities.members import groups, lying
from activities.streams import sweep_streams
from activities.windows import claimed_inference, read_index, unclaimed
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity, records
from shared.domain.arrivals import Arrival
from shared.domain.routes import Grouping, Route
from shared.durable import Client, Start, start_once
from shared.open_runs import start_inference
from shared.ports import Blob

GRACE = timedelta(seconds=60)


async def sweep_arrivals(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    started = opened = 0
    for route in clients.configuration.routes:
        if route.group.kind in (Grouping.WINDOW, Grouping.SCHEDULE):
            opened += await _sweep_windows(client, clients, route)
        else:
            started += await _sweep_route(client, clients, route)
    opened += await sweep_streams(client, clients)
    return c.Swept(started=started, opened=opened)


async def _sweep_windows(client: Client, clients: Clients, route: Route) -> int:
    waiting, unstarted = await asyncio.to_thread(_forgotten_windows, clients, route)
    for inference in unstarted:
        await start_inference(client, clients.hub, inference)
    if route.group.kind is Grouping.SCHEDULE:
        return 0  # What waits there waits for its schedule.
    opened = 0
    for watch in waiting:
        window = identity.window_id(route.name, watch.group)
        opened += await start_once(client, c.COLLECT_WINDOW, window, watch, again=True) is Start.STARTED
    return opened


async def _sweep_route(client: Client, clients: Clients, route: Route) -> int:
    missing, handled = await asyncio.to_thread(_missing_runs, clients, route)
    started = 0
    for inference in missing:
        started += await start_inference(client, clients.hub, inference) is Start.STARTED
    await asyncio.to_thread(_remember, clients, route, handled)
    return started


def _forgotten_windows(clients: Clients, route: Route) -> tuple[list[c.WindowWatch], list[c.Inference]]:
    """Windows with files that no run has, and runs that a window claimed files for and nobody started."""
    waiting, unstarted = [], []
    for group in groups(clients, route):
        watch = c.WindowWatch(route=route, hub=clients.configuration.hub, group=group)
        if unclaimed(clients, watch):
            waiting.append(watch)
        unstarted += [
            claimed_inference(clients, watch.hub, run)
            for run in read_index(clients, watch).claims.values()
            if clients.hub.find(watch.hub.state, records.run_record(run)) is None
        ]
    return waiting, unstarted


def _missing_runs(clients: Clients, route: Route) -> tuple[list[c.Inference], set[str]]:
    """Runs that nobody opened for what has lain there for a while, and every arrival that is seen to with them."""
    before, handled, missing = _handled(clients, route), set[str](), []
    for blob in lying(clients, route):
        arrival = _arrival(clients, blob)
        known = identity.arrival_id(arrival)
        if known not in before and clients.clock.now() - blob.modified < GRACE:
            continue
        handled.add(known)
        if known not in before:
            missing += _unopened(clients, route, arrival)
    return missing, handled


def _unopened(clients: Clients, route: Route, arrival: Arrival) -> list[c.Inference]:
    today, hub = clients.clock.now().date().isoformat(), clients.configuration.hub
    captures = route.captures(arrival.location) or route.group_key(arrival.location)
    inference = c.Inference.of(route, hub, arrival, captures, today)
    opened = clients.hub.find(hub.state, records.run_record(inference.run)) is not None
    return [] if opened else [inference]


def _arrival(clients: Clients, blob: Blob) -> Arrival:
    account = clients.configuration.hub.account
    return Arrival(account=account, container=blob.container, path=blob.path, etag=blob.etag, size=blob.size)


def _handled(clients: Clients, route: Route) -> set[str]:
    raw = clients.hub.read(clients.configuration.hub.state, records.swept(route.name))
    return set(json.loads(raw or b"[]"))


def _remember(clients: Clients, route: Route, handled: set[str]) -> None:
    """What a sweep has seen to, of what still lies there; losing this record costs only time."""
    state, path = clients.configuration.hub.state, records.swept(route.name)
    content, there = json.dumps(sorted(handled)).encode(), clients.hub.find(state, path)
    if there is None:
        clients.hub.create(state, path, content)
    elif clients.hub.read(state, path) != content:
        clients.hub.replace(state, path, content, there.etag)
