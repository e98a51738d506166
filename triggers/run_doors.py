"""What the doors of runs, data checks and events do; `triggers.api` opens them."""

from typing import Any

import azure.functions as func

from shared.clients import Clients
from shared.durable import Client
from triggers import dead_letters, runs
from triggers.bodies import body_of, json_of, text
from triggers.checks import check_path
from triggers.hub_events import receive


async def list_runs(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    del client  # The records know every run; the host only those it has not purged.
    return 200, await runs.list_runs(made, req.params)


async def show_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 200, await runs.show_run(client, made, req.route_params["run"])


async def cancel_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 202, await runs.order(client, made, req.route_params["run"], "cancel", body_of(req))


async def release_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 202, await runs.order(client, made, req.route_params["run"], "release", body_of(req))


async def reprocess_run(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    return 202, await runs.reprocess(client, made, req.route_params["run"], body_of(req))


async def check_data_now(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    del client  # A check starts nothing.
    return 200, await check_path(made, body_of(req))


async def receive_events(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    """Events as they are on the wire, one or an array: for replayed dead letters and for sources without Event Grid."""
    raw = json_of(req)
    events = raw if isinstance(raw, list) else [raw]
    return 202, {"events": [list(await receive(client, made, event)) for event in events]}


async def health(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    del client, req
    return 200, {"status": "ready", "routes": [route.name for route in made.configuration.routes]}


async def list_dead_letters(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    del client, req
    return 200, await dead_letters.list_letters(made)


async def replay_dead_letter(client: Client, made: Clients, req: func.HttpRequest) -> tuple[int, Any]:
    """Dry unless the body says otherwise."""
    body = body_of(req)
    return 200, await dead_letters.replay(client, made, text(body, "path"), body.get("dry_run", True) is not False)
