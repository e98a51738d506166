"""How many machines files need, by what earlier runs of their route took."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from shared.application.inference.sizes import size_for
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.inference.routes import Route
from shared.records.inference import members_of, store_of
from shared.validation.rules import Many, Name, Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import run_record
from triggers.http.named_resources import HubPath, find_file, find_route

Within = Annotated[int, Whole(least=0, most=7 * 86400)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeAsked:
    """*paths* as for a run; *within_s* is the time that the job may take, half of the route's `give_up_after` if 0."""

    route: Name
    paths: Annotated[tuple[HubPath, ...], Many(fewest=1, most=1000, different=True)]
    within_s: Within = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAllowed:
    """*within_s* as of SizeAsked."""

    within_s: Within = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSuggested:
    """*instance_count* is what to ask for in `overrides`, 0 where too little is known; *cost* of the job at the price
    of `limits.node_hour`, 0 without one. *runs* are those that the figures come from."""

    route: str
    bytes: int
    within_s: int
    instance_count: int
    seconds: float
    cost: float
    runs: int
    because: str


async def suggest_size(request: ApiRequest, body: SizeAsked) -> SizeSuggested:
    """How many machines the files need, by how long earlier runs of the route took. Nothing is started."""
    return await asyncio.to_thread(_for_files, request.clients, body)


async def suggest_next_size(request: ApiRequest, run: str, query: TimeAllowed) -> SizeSuggested:
    """How many machines the next attempt of a run needs for its pinned files, by today's route. Nothing is started."""
    return await asyncio.to_thread(_for_run, request.clients, run, query.within_s)


def _for_files(clients: Clients, body: SizeAsked) -> SizeSuggested:
    route = _with_jobs(find_route(clients, body.route))
    return _suggested(clients, route, sum(find_file(clients, path).size for path in body.paths), body.within_s)


def _for_run(clients: Clients, run: str, within_s: int) -> SizeSuggested:
    inference = run_record(clients, run).inference
    name = inference.route.name
    if name not in {route.name for route in clients.configuration.routes}:
        raise Problem(409, "no such route", f"route {name} is not configured any more; repeat the run as it was")
    route = _with_jobs(find_route(clients, name))
    members = members_of(store_of(clients.hub, inference), run)
    return _suggested(clients, route, sum(member.size for member in members), within_s)


def _with_jobs(route: Route) -> Route:
    if route.score.online:
        raise Problem(409, "no job", f"route {route.name} scores online, where no job is started")
    return route


def _suggested(clients: Clients, route: Route, size: int, within_s: int) -> SizeSuggested:
    within_s = within_s or route.give_up_after_s // 2
    try:
        suggested = size_for(clients, route, size, within_s)
    except Refused as refusal:
        raise Problem(409, "nothing scores there", str(refusal)) from refusal
    return SizeSuggested(
        route=route.name,
        bytes=size,
        within_s=within_s,
        instance_count=suggested.instance_count,
        seconds=suggested.seconds,
        cost=suggested.cost,
        runs=suggested.jobs,
        because=suggested.because,
    )
