"""Score a run's pinned files again: by today's configuration, or by that of the run where that is what is wanted."""

import asyncio
from dataclasses import replace

from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.inference.routes import Grouping, Route
from shared.domain.paths import patterns
from shared.records import paths as records
from shared.records.inference import store_of
from triggers.http.door import Call
from triggers.http.idempotency import Starting
from triggers.http.inference.requested_runs import FILLED
from triggers.http.inference.run_records import run_record
from triggers.http.problems import Problem
from triggers.http.requests import Repetition

TODAY, AS_IT_WAS = "today", "as it was"


async def repeat(call: Call, run: str, body: Repetition) -> Starting:
    """The next attempt at the files that *run* has pinned."""
    clients = call.clients
    record = await asyncio.to_thread(run_record, clients, run)
    if record.outcome is None:
        raise Problem(409, "too early", f"run {run} has not ended; cancel it first, or wait")
    before = record.inference
    if not await asyncio.to_thread(store_of(clients.hub, before).exists, records.members(run)):
        raise Problem(409, "nothing to score", f"run {run} pinned no files; land them anew")
    inference = replace(
        before if body.as_it_was else _by_today(clients, before),
        run=identity.next_attempt(before.run),
        repeats=before.run,
        because=body.reason,
        asked_by=call.caller.name,
        date=clients.clock.now().date().isoformat(),
        configuration=AS_IT_WAS if body.as_it_was else TODAY,
    )
    return Starting(
        orchestration=c.RUN_INFERENCE,
        instance=inference.run,
        payload=inference,
        resource=f"runs/{inference.run}",
        fresh=True,
        note=_note(before, inference),
    )


def route_today(clients: Clients, name: str) -> Route | None:
    """The route as it is configured now, if it is."""
    return next((route for route in clients.configuration.routes if route.name == name), None)


def _by_today(clients: Clients, before: c.Inference) -> c.Inference:
    route = route_today(clients, before.route.name)
    if route is None:
        said = f"route {before.route.name} is not configured any more; reprocess with `as_it_was` (--as-it-was)"
        raise Problem(409, "no such route", said)
    captures = before.captures | _captures(route, before)
    missing = [name for name in patterns.captures_of(route.publish) if name not in {*captures, *FILLED}]
    if missing:
        said = f"route {route.name} publishes to {route.publish} now, and the run's files give no {', '.join(missing)}"
        raise Problem(409, "cannot be published", f"{said}; reprocess with `as_it_was` (--as-it-was)")
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
    which = "as the run was" if inference.configuration == AS_IT_WAS else "by today's configuration"
    now, then = _described(inference.route), _described(before.route)
    return f"scored {which}: {now}" + (f"; the run was {then}" if now != then else "")


def _described(route: Route) -> str:
    score = route.score
    place = f"{score.workspace.name}/{score.endpoint}/{score.deployment}"
    return f"{score.model}:{score.version} at {place}, contract {route.contract}"
