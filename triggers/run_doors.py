"""What the doors of runs, data checks, events and dead letters do; `triggers.api` opens them."""

from typing import Any

from triggers import dead_letters, runs
from triggers import requests as asked
from triggers.checks import check_path
from triggers.doors import Call
from triggers.hub_events import receive

Answer = dict[str, Any]


async def list_runs(call: Call, query: asked.RunFilters) -> Answer:
    return await runs.list_runs(call.clients, query)


async def show_run(call: Call, run: str) -> Answer:
    return await runs.show_run(call.client, call.clients, run)


async def cancel_run(call: Call, run: str, body: asked.Order) -> Answer:
    return await runs.order(call, run, "cancel", body.reason)


async def release_run(call: Call, run: str, body: asked.Order) -> Answer:
    return await runs.order(call, run, "release", body.reason)


async def reprocess_run(call: Call, run: str, body: asked.Order) -> Answer:
    return await runs.reprocess(call, run, body.reason)


async def check_data_now(call: Call, body: asked.DataCheckAsked) -> Answer:
    return await check_path(call.clients, body)


async def receive_events(call: Call, body: Any) -> Answer:
    """Events as they are on the wire, one or an array: for replayed dead letters and for sources without Event Grid."""
    events = body if isinstance(body, list) else [body]
    return {"events": [list(await receive(call.client, call.clients, event)) for event in events]}


async def health(call: Call) -> Answer:
    return {"status": "ready", "routes": [route.name for route in call.clients.configuration.routes]}


async def list_dead_letters(call: Call) -> Answer:
    return await dead_letters.list_letters(call.clients)


async def replay_dead_letter(call: Call, body: asked.Replay) -> Answer:
    return await dead_letters.replay(call.client, call.clients, body.path, body.dry_run)
