"""The HTTP door, /api/v1: follow runs, order them about, check data, promote models. The caller needs a function key.

Refused input answers with a problem document (RFC 9457) that names the field, the value and the remedy.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import azure.functions as func

from shared.clients import Clients
from shared.domain.failures import Refused, Transient
from shared.durable import Blueprint, Client
from triggers import runs
from triggers.bodies import body_of, json_of
from triggers.checks import check_path
from triggers.hub_events import receive
from triggers.problems import Problem, answer, problem
from triggers.promotion_doors import DOORS as PROMOTION_DOORS

Door = Callable[[Client, Clients, func.HttpRequest], Awaitable[tuple[int, Any]]]


def api_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """Every door of the table below."""
    blueprint = Blueprint()
    for route, method, name, body in _DOORS:
        _add_door(blueprint, clients, route, method, name, body)
    return blueprint


def _add_door(
    blueprint: Blueprint, clients: Callable[[], Clients], route: str, method: str, name: str, body: Door
) -> None:
    async def handler(req: func.HttpRequest, client) -> func.HttpResponse:  # type: ignore[no-untyped-def]
        return await _respond(body, client, clients, req)

    handler.__name__ = name
    bound = blueprint.durable_client_input(client_name="client")(handler)
    blueprint.route(route=f"v1/{route}", methods=[method])(bound)


async def _respond(
    body: Door, client: Client, clients: Callable[[], Clients], req: func.HttpRequest
) -> func.HttpResponse:
    try:
        status, content = await body(client, clients(), req)
    except Problem as refused:
        return problem(refused)
    except Refused as refusal:
        return problem(Problem(422, "refused", str(refusal)))
    except Transient as fault:
        return problem(Problem(503, "try again", str(fault)))
    return answer(status, content)


async def _list_runs(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    del client  # The records know every run; the host only those it has not purged.
    return 200, await runs.list_runs(made, req.params)


async def _show_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 200, await runs.show_run(client, made, req.route_params["run"])


async def _cancel_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 202, await runs.order(client, made, req.route_params["run"], "cancel", body_of(req))


async def _release_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 202, await runs.order(client, made, req.route_params["run"], "release", body_of(req))


async def _reprocess_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 202, await runs.reprocess(client, made, req.route_params["run"], body_of(req))


async def _check_data(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    del client  # A check starts nothing.
    return 200, await check_path(made, body_of(req))


async def _receive_events(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    """Events as they are on the wire, one or an array: for replayed dead letters and for sources without Event Grid."""
    raw = json_of(req)
    events = raw if isinstance(raw, list) else [raw]
    return 202, {"events": [list(await receive(client, made, event)) for event in events]}


async def _health(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    del client, req
    return 200, {"status": "ready", "routes": [route.name for route in made.configuration.routes]}


_DOORS: tuple[tuple[str, str, str, Door], ...] = (
    ("runs", "GET", "list_runs", _list_runs),
    ("runs/{run}", "GET", "show_run", _show_run),
    ("runs/{run}/cancel", "POST", "cancel_run", _cancel_run),
    ("runs/{run}/release", "POST", "release_run", _release_run),
    ("runs/{run}/reprocess", "POST", "reprocess_run", _reprocess_run),
    ("data-checks", "POST", "check_data_now", _check_data),
    ("events", "POST", "receive_events", _receive_events),
    ("health", "GET", "health", _health),
    *PROMOTION_DOORS,
)
