"""Compare what lies in the hub with what was done, and start what no event brought, by the same ids.

Lost events cost time, never files. An arrival is left to its event for a minute first.
"""

import json
from collections.abc import Iterator
from datetime import timedelta

from activities.members import fill_known
from activities.windows import claimed_inference, read_index, unclaimed
from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity, records
from shared.domain.arrivals import Arrival
from shared.domain.patterns import fixed_prefix
from shared.domain.routes import Configuration, Grouping, Route
from shared.durable import Client, Start, find_instance, start_once
from shared.ports import Blob

_GRACE = timedelta(seconds=60)


async def sweep_arrivals(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    del sweep  # Its key only makes the sweep an effect of its own.
    configuration = clients.configuration
    started = opened = 0
    for route in configuration.routes:
        if route.group.kind is Grouping.WINDOW:
            opened += await _sweep_windows(client, clients, configuration, route)
        else:
            started += await _sweep_route(client, clients, configuration, route)
    return c.Swept(started=started, opened=opened)


async def sweep_jobs(client: Client, clients: Clients, sweep: c.Sweep) -> c.Swept:
    """Find open jobs whose run no longer runs: terminated or purged from outside, or failed beyond its own care."""
    del sweep
    adrift, hub = 0, clients.configuration.hub
    for blob in list(clients.hub.list(hub.state, records.OPEN_JOBS)):
        raw = clients.hub.read(hub.state, blob.path)
        if raw is None:
            continue  # The run has closed meanwhile.
        inference = decode(c.Inference, json.loads(raw)["inference"])
        instance = await find_instance(client, inference.run)
        if instance is None or not instance.running:
            adrift += await _start_cancelling(client, clients, inference)
    return c.Swept(adrift=adrift)


async def _start_cancelling(client: Client, clients: Clients, inference: c.Inference) -> int:
    known = clients.ledger.find(identity.effect_key(inference.run, "submitted")) or {}
    adrift = c.Adrift(run=inference.run, inference=inference, job=str(known.get("job", "")))
    how = await start_once(client, c.CANCEL_ADRIFT, identity.adrift_id(inference.run), adrift, again=True)
    return int(how is Start.STARTED)


async def _sweep_windows(client: Client, clients: Clients, configuration: Configuration, route: Route) -> int:
    groups = {
        identity.window_id(route.name, group): group
        for blob in _lying(clients, route)
        for group in [route.group_key(f"{blob.container}/{blob.path}")]
    }
    opened = 0
    for window, group in groups.items():
        watch = c.WindowWatch(route=route, hub=configuration.hub, group=group)
        await _restart_last_claim(client, clients, watch)
        if unclaimed(clients, watch):
            how = await start_once(client, c.COLLECT_WINDOW, window, watch, again=True)
            opened += how is Start.STARTED
    return opened


async def _restart_last_claim(client: Client, clients: Clients, watch: c.WindowWatch) -> None:
    """A window ended from outside between its claim and its start leaves a run that nobody started."""
    for run in read_index(clients, watch).claims.values():
        if clients.hub.find(watch.hub.state, records.run_record(run)) is None:
            await start_once(client, c.RUN_INFERENCE, run, claimed_inference(clients, watch, run))


async def _sweep_route(client: Client, clients: Clients, configuration: Configuration, route: Route) -> int:
    hub, started, handled = configuration.hub, 0, set[str]()
    before = _handled(clients, hub.state, route)
    for blob in _lying(clients, route):
        arrival = Arrival(account=hub.account, container=blob.container, path=blob.path, etag=blob.etag, size=blob.size)
        known = identity.arrival_id(arrival)
        if known not in before and _due(clients, blob):
            started += await _start_missing(client, clients, configuration, route, arrival)
        if known in before or _due(clients, blob):
            handled.add(known)
    if handled != before:
        _remember(clients, hub.state, route, handled)
    return started


async def _start_missing(
    client: Client, clients: Clients, configuration: Configuration, route: Route, arrival: Arrival
) -> int:
    today = clients.clock.now().date().isoformat()
    captures = route.captures(arrival.location) or route.group_key(arrival.location)
    inference = c.Inference.of(route, configuration.hub, arrival, captures, today)
    if clients.hub.find(configuration.hub.state, records.run_record(inference.run)) is not None:
        return 0
    how = await start_once(client, c.RUN_INFERENCE, inference.run, inference)
    return int(how is Start.STARTED)


def _lying(clients: Clients, route: Route) -> Iterator[Blob]:
    """What starts something on *route*, as it lies there now."""
    container, _, pattern = route.take.partition("/")
    marker = route.group.kind is Grouping.MARKER
    for blob in clients.hub.list(container, fixed_prefix(fill_known(pattern, {}))):
        location = f"{container}/{blob.path}"
        wanted = route.marked(location) if marker else route.captures(location) is not None
        if wanted and "signalbox_run" not in blob.metadata:
            yield blob


def _due(clients: Clients, blob: Blob) -> bool:
    return clients.clock.now() - blob.modified >= _GRACE


def _handled(clients: Clients, state: str, route: Route) -> set[str]:
    return set(json.loads(clients.hub.read(state, records.swept(route.name)) or b"[]"))


def _remember(clients: Clients, state: str, route: Route, handled: set[str]) -> None:
    """What a sweep has seen to, of what still lies there; losing this record costs only time."""
    content, path = json.dumps(sorted(handled)).encode(), records.swept(route.name)
    there = clients.hub.find(state, path)
    if there is None:
        clients.hub.create(state, path, content)
    else:
        clients.hub.replace(state, path, content, there.etag)
