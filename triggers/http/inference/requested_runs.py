"""Inference on request: named files of the hub are scored by a route, as one batch.

One file is the same run as its arrival would have started; several are a run of their own, the same for the same files.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import Grouping, Route
from shared.domain.paths import patterns
from shared.ports import Blob
from shared.records.inference import claim_files
from triggers.http.door import Call
from triggers.http.idempotency import Starting
from triggers.http.named_resources import find_file, find_route
from triggers.http.problems import Problem
from triggers.http.requests import InferenceAsked

FILLED = frozenset({"run", "date", "model", "version", "route"})


async def ask(call: Call, asked: InferenceAsked) -> Starting:
    """Everything is checked before anything is written: the route, the paths, and what the output's path needs."""
    route = find_route(call.clients, asked.route)
    inference = await asyncio.to_thread(_inference, call.clients, route, asked)
    inference = replace(inference, because=asked.reason, asked_by=call.caller.name)
    return Starting(
        orchestration=c.RUN_INFERENCE,
        instance=inference.run,
        payload=inference,
        resource=f"runs/{inference.run}",
    )


def _inference(clients: Clients, route: Route, asked: InferenceAsked) -> c.Inference:
    for path in asked.paths:
        _refuse_untaken(route, path)
    blobs = [find_file(clients, path) for path in asked.paths]
    today, hub = clients.clock.now().date().isoformat(), clients.configuration.hub
    arrivals = [_arrival(clients, blob) for blob in blobs]
    if len(blobs) == 1 and route.group.kind is Grouping.EACH:
        return c.Inference.of(route, hub, arrivals[0], route.captures(asked.paths[0]) or {}, today)
    if len(blobs) == 1 and route.group.kind is Grouping.MARKER and route.marked(asked.paths[0]):
        return c.Inference.of(route, hub, arrivals[0], route.group_key(asked.paths[0]), today)
    run = identity.run_id(route.name, map(identity.arrival_id, arrivals))
    inference = c.Inference(run=run, route=route, hub=hub, captures=_shared(route, asked.paths), date=today)
    claim_files(clients.hub, inference, blobs)
    return inference


def _refuse_untaken(route: Route, path: str) -> None:
    if route.captures(path) is None and not (route.group.kind is Grouping.MARKER and route.marked(path)):
        raise Problem(422, "not taken", f"path {path!r} is not taken by route {route.name}, which takes {route.take}")


def _shared(route: Route, paths: Sequence[str]) -> dict[str, str]:
    """The captures that all *paths* have in common, which must be enough for the output's path."""
    found = [route.captures(path) or {} for path in paths]
    common = {name: value for name, value in found[0].items() if all(each.get(name) == value for each in found)}
    missing = [name for name in patterns.captures_of(route.publish) if name not in {*common, *FILLED}]
    if missing:
        said = (
            f"field 'paths': the files differ in {', '.join(missing)}, which {route.publish} needs; ask once for each"
        )
        raise Problem(422, "not one batch", said)
    return common


def _arrival(clients: Clients, blob: Blob) -> Arrival:
    account = clients.configuration.hub.account
    return Arrival(account=account, container=blob.container, path=blob.path, etag=blob.etag, size=blob.size)
