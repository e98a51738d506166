"""Start anything by its contract, as its own use case does; and the sweeps of the timers."""

from typing import Any

from shared import contracts as c
from shared.application.inference.open_runs import start_inference
from shared.application.promotion.starts import StartingClients, start_promotion
from shared.durable.starting import Client, Start, start_once


async def start(
    client: Client,
    clients: StartingClients,
    orchestration: c.Orchestration[Any, Any],
    instance: str,
    payload: Any,
    *,
    unique: bool = False,
) -> Start:
    """Start *orchestration* with *payload* unless *instance* runs or has run; *unique* as in `start_once`."""
    match payload:
        case c.Inference():
            return await start_inference(client, clients.statements.store.hub, payload)
        case c.Promotion() | c.PromotionSet():
            return await start_promotion(client, clients, payload)
        case _:
            return await start_once(client, orchestration, instance, payload, unique=unique)


async def start_sweep(client: Client, orchestration: c.Orchestration[c.Sweep, Any]) -> Start:
    """One sweep of a kind at a time: one that is still at work is joined."""
    name = orchestration.name.replace("_", "-")
    return await start_once(client, orchestration, name, c.Sweep(key=name), again=True)
