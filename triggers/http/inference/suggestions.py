"""How many machines files need, by what earlier runs of their route took."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from shared.application.inference.sizes import size_for
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.inference.routes import Route
from shared.validation.rules import Many, Name, Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.named_resources import HubPath, find_file, find_route


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeAsked:
    """*paths* as for a run; *within_s* is the time that the job may take, half of the route's `give_up_after` if 0."""

    route: Name
    paths: Annotated[tuple[HubPath, ...], Many(fewest=1, most=1000, different=True)]
    within_s: Annotated[int, Whole(least=0, most=7 * 86400)] = 0


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
    route = find_route(request.clients, body.route)
    if route.score.online:
        raise Problem(409, "no job", f"route {route.name} scores online, where no job is started")
    return await asyncio.to_thread(_suggested, request.clients, route, body)


def _suggested(clients: Clients, route: Route, body: SizeAsked) -> SizeSuggested:
    size = sum(find_file(clients, path).size for path in body.paths)
    within_s = body.within_s or route.give_up_after_s // 2
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
