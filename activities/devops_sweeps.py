"""Keep alive what stands in for Azure DevOps: a follower or a mirror that failed or was ended from outside starts again
while its pipeline or promotion waits, and tokens whose time is over are dropped.
"""

import asyncio
import json
import logging
from datetime import datetime, timedelta
from typing import Any

from activities.effects import stamp
from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import records
from shared.durable import Client, Start, find_instance, start_once

_LONGEST = timedelta(days=31)  # Azure DevOps lets nothing wait longer than thirty.
_KINDS: dict[str, c.Orchestration[Any, Any]] = {each.name: each for each in (c.FOLLOW_TASK, c.MIRROR)}
_log = logging.getLogger(__name__)


def keep_open(clients: Clients, orchestration: c.Orchestration[Any, Any], instance: str, payload: object) -> None:
    """From now on a sweep sees to it that *instance* runs, until it is closed."""
    content = {"orchestration": orchestration.name, "input": encode(payload), "since": stamp(clients)}
    clients.hub.create(clients.configuration.hub.state, records.devops_open(instance), json.dumps(content).encode())


def close(clients: Clients, instance: str) -> None:
    clients.hub.delete(clients.configuration.hub.state, records.devops_open(instance))


async def sweep_devops(client: Client, clients: Clients) -> int:
    """How many were started again."""
    if not clients.configuration.devops.organisations:
        return 0
    started = 0
    for instance, kept in await asyncio.to_thread(_open, clients):
        found = await find_instance(client, instance)
        if (found is None or not found.running) and await asyncio.to_thread(_still, clients, instance, kept):
            kind = _KINDS[kept["orchestration"]]
            how = await start_once(client, kind, instance, decode(kind.takes, kept["input"]), again=True)
            started += how is Start.STARTED
    await asyncio.to_thread(lambda: clients.secrets.drop_expired(clients.clock.now()))
    return started


def _open(clients: Clients) -> list[tuple[str, dict[str, Any]]]:
    state, found = clients.configuration.hub.state, []
    for blob in clients.hub.list(state, records.DEVOPS_OPEN):
        raw = clients.hub.read(state, blob.path)
        if raw is not None:
            found.append((blob.path.removeprefix(records.DEVOPS_OPEN).removesuffix(".json"), json.loads(raw)))
    return found


def _still(clients: Clients, instance: str, kept: dict[str, Any]) -> bool:
    """It may have been closed meanwhile; and nothing waits for ever."""
    if clients.clock.now() - datetime.fromisoformat(kept["since"]) > _LONGEST:
        _log.warning("%s is given up: it has waited for more than %s", instance, _LONGEST)
        close(clients, instance)
    return clients.hub.find(clients.configuration.hub.state, records.devops_open(instance)) is not None
