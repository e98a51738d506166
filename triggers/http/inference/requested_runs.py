"""Inference on request: named files of the hub are scored by a route as one batch, or the files of a run once more.

One file is the same run as its arrival would have started; several are a run of their own, the same for the same files.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.inference.overrides import AskedOverrides, objections
from shared.domain.inference.routes import Grouping, Route
from shared.domain.paths import patterns
from shared.records import paths as records
from shared.records.inference import arrival_places, claim_files, store_of
from shared.validation.rules import Many, Name, OptionalName, Sentence, Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import run_record
from triggers.http.named_resources import HubPath, find_file, find_route

TODAY, AS_IT_WAS = "today", "as it was"
_FILLED = frozenset({"run", "date", "model", "version", "route"})  # Captures that every run has.


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOverrides:
    """What this run does in another way than its route; the route's `limits` say how far."""

    instance_count: Annotated[int, Whole(least=1, most=1000)] | None = None
    mini_batch_size: Annotated[int, Whole(least=1, most=1_000_000)] | None = None
    error_threshold: Annotated[int, Whole(least=-1, most=2**31 - 1)] | None = None
    retries: Annotated[int, Whole(least=0, most=100)] | None = None
    timeout_s: Annotated[int, Whole(least=30, most=7 * 86400)] | None = None
    compute: OptionalName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceAsked:
    """Score the files at *paths* (container/path in the hub) by *route*, as one batch."""

    route: Name
    paths: Annotated[tuple[HubPath, ...], Many(fewest=1, most=1000, different=True)]
    reason: Sentence
    overrides: RunOverrides | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """Score a run's files again: by today's configuration, or, where *as_it_was*, by that of the run."""

    reason: Sentence
    as_it_was: bool = False
    overrides: RunOverrides | None = None


async def start_inference(request: ApiRequest, body: InferenceAsked) -> RequestedStart:
    """Score named files of the hub by a route, as one batch.

    Everything is checked before anything is written: the route, the paths, and what the output's path needs.
    """
    route = find_route(request.clients, body.route)
    inference = await asyncio.to_thread(_inference, request.clients, route, body)
    inference = replace(inference, because=body.reason, asked_by=request.caller.name)
    inference = _overridden(inference, body.overrides)
    return RequestedStart(
        orchestration=c.RUN_INFERENCE,
        instance=inference.run,
        payload=inference,
        resource=f"runs/{inference.run}",
        # The run of these files may have begun with other settings: it would be wrong to say that it has these.
        fresh=inference.overrides is not None,
    )


def _overridden(inference: c.Inference, body: RunOverrides | None) -> c.Inference:
    """*inference* with what was asked for in place of its route's settings. Raises Problem."""
    if body is None:
        return inference
    asked = decode(AskedOverrides, encode(body))
    if problems := tuple(objections(inference.route, asked)):
        raise Problem(422, "overrides not allowed", f"field 'overrides': {'; '.join(problems)}")
    route = replace(inference.route, overrides=asked.over(inference.route.overrides))
    return replace(inference, route=route, overrides=asked)


def _inference(clients: Clients, route: Route, body: InferenceAsked) -> c.Inference:
    for path in body.paths:
        _refuse_untaken(route, path)
    blobs = [find_file(clients, path) for path in body.paths]
    today, hub = clients.clock.now().date().isoformat(), clients.configuration.hub
    arrivals = [blob.arrival(clients.configuration.account_of(blob.container)) for blob in blobs]
    if len(blobs) == 1 and route.group.kind is Grouping.EACH:
        return c.Inference.of(route, hub, arrivals[0], route.captures(body.paths[0]) or {}, today)
    if len(blobs) == 1 and route.group.kind is Grouping.MARKER and route.marked(body.paths[0]):
        return c.Inference.of(route, hub, arrivals[0], route.group_key(body.paths[0]), today)
    run = identity.run_id(route.name, map(identity.arrival_id, arrivals))
    inference = c.Inference(run=run, route=route, hub=hub, captures=_common_captures(route, body.paths), date=today)
    claim_files(clients.hub, inference, blobs)
    return inference


def _refuse_untaken(route: Route, path: str) -> None:
    if route.captures(path) is None and not (route.group.kind is Grouping.MARKER and route.marked(path)):
        raise Problem(422, "wrong route", f"path {path!r} is not taken by route {route.name}, which takes {route.take}")


def _common_captures(route: Route, paths: Sequence[str]) -> dict[str, str]:
    """The captures that all *paths* have in common, which must be enough for the output's path."""
    captures = [route.captures(path) or {} for path in paths]
    common = {name: value for name, value in captures[0].items() if all(own.get(name) == value for own in captures)}
    missing = [name for name in patterns.captures_of(route.publish) if name not in {*common, *_FILLED}]
    if missing:
        difference = f"the files differ in {', '.join(missing)}, which {route.publish} needs"
        raise Problem(422, "files of several runs", f"field 'paths': {difference}; ask once for each")
    return common


async def reprocess_run(request: ApiRequest, run: str, body: Repetition) -> RequestedStart:
    """Score the pinned files of a run again, by today's configuration unless `as_it_was`; `note` says which."""
    clients = request.clients
    record = await asyncio.to_thread(run_record, clients, run)
    if record.outcome is None:
        raise Problem(409, "run not ended", f"run {run} has not ended; cancel it first, or wait")
    before = record.inference
    if not await asyncio.to_thread(store_of(clients.hub, before).exists, records.members(run)):
        raise Problem(409, "nothing to score", f"run {run} pinned no files; land them anew")
    inference = replace(
        before if body.as_it_was else _by_today(clients, before),
        run=identity.next_attempt(before.run),
        repeats=before.run,
        because=body.reason,
        asked_by=request.caller.name,
        date=clients.clock.now().date().isoformat(),
        configuration=AS_IT_WAS if body.as_it_was else TODAY,
    )
    inference = _overridden(inference, body.overrides)
    await asyncio.to_thread(_refuse_closed_hubs, clients, inference)
    return RequestedStart(
        orchestration=c.RUN_INFERENCE,
        instance=inference.run,
        payload=inference,
        resource=f"runs/{inference.run}",
        fresh=True,
        note=_note(before, inference),
    )


def _refuse_closed_hubs(clients: Clients, inference: c.Inference) -> None:
    """The route may have gone to production since; files of a team's hub do not follow it."""
    places = arrival_places(store_of(clients.hub, inference), inference)
    problem = clients.configuration.closed_files(inference.route, places)
    if problem:
        remedy = "reprocess with `as_it_was` (--as-it-was) where the hub still is, or land them in the Data Hub"
        raise Problem(409, "files of a team's hub", f"{problem}; {remedy}")


def _route_today(clients: Clients, name: str) -> Route | None:
    """The route as it is configured now, if it is."""
    return next((route for route in clients.configuration.routes if route.name == name), None)


def _by_today(clients: Clients, before: c.Inference) -> c.Inference:
    route = _route_today(clients, before.route.name)
    if route is None:
        detail = f"route {before.route.name} is not configured any more; reprocess with `as_it_was` (--as-it-was)"
        raise Problem(409, "no such route", detail)
    captures = before.captures | _captures(route, before)
    missing = [name for name in patterns.captures_of(route.publish) if name not in {*captures, *_FILLED}]
    if missing:
        detail = (
            f"route {route.name} publishes to {route.publish} now, and the run's files give no {', '.join(missing)}"
        )
        raise Problem(409, "result has no place", f"{detail}; reprocess with `as_it_was` (--as-it-was)")
    return replace(
        before, route=route, captures=captures, hub=replace(before.hub, results=clients.configuration.hub.results)
    )


def _captures(route: Route, before: c.Inference) -> dict[str, str]:
    """What the file that started the run gives the route of today; nothing where it would not be taken any more."""
    if before.trigger is None:
        return {}
    location = before.trigger.location
    return route.group_key(location) if route.group.kind is Grouping.MARKER else route.captures(location) or {}


def _note(before: c.Inference, inference: c.Inference) -> str:
    """Which configuration scores, and what it changes."""
    manner = "as the run was" if inference.configuration == AS_IT_WAS else "by today's configuration"
    now, then = _describe(inference.route), _describe(before.route)
    return f"scored {manner}: {now}" + (f"; the run was {then}" if now != then else "")


def _describe(route: Route) -> str:
    return f"{route.score.scored_model} at {route.score.address}, contract {route.contract}"
