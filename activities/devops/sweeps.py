"""Keep alive what stands in for Azure DevOps: what was lost or ended from outside starts again, a follower or a mirror
also where it failed while its pipeline or promotion waits; and tokens whose time is over are dropped.
"""

import asyncio
import json
import logging
from datetime import datetime, timedelta
from typing import Any

from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.devops.open_instances import close
from shared.clients import Clients
from shared.codec import decode
from shared.durable.starting import Client, Start, find_instance, start_once
from shared.records import paths as records

_LONGEST = timedelta(days=31)  # Azure DevOps lets nothing wait longer than thirty.
_FOR_OTHERS: tuple[c.Orchestration[Any, Any], ...] = (c.FOLLOW_TASK, c.MIRROR)  # Whatever fails, these still wait.
_KINDS = {each.name: each for each in (*_FOR_OTHERS, c.HEED, c.RUN_DEVOPS_PIPELINE)}
_log = logging.getLogger(__name__)


async def sweep_devops(client: Client, clients: Clients, parts: Parts) -> int:
    """How many were started again."""
    started = 0
    for instance, kept in await asyncio.to_thread(_open, clients, parts):
        with parts.part(f"Azure DevOps' {instance}"):
            started += await _start_again(client, clients, instance, kept)
    if clients.configuration.devops.organisations:
        with parts.part("tokens of Azure DevOps whose time is over"):
            await asyncio.to_thread(lambda: clients.secrets.drop_expired(clients.clock.now()))
    return started


async def _start_again(client: Client, clients: Clients, instance: str, kept: dict[str, Any]) -> bool:
    found, kind = await find_instance(client, instance), _KINDS[kept["orchestration"]]
    if found and found.running:
        return False
    if found and found.status in _ends(kind):
        await asyncio.to_thread(close, clients, instance)
        return False
    if not await asyncio.to_thread(_still, clients, instance, kept):
        return False
    how = await start_once(client, kind, instance, decode(kind.takes, kept["input"]), again=True)
    return how is Start.STARTED


def _ends(kind: c.Orchestration[Any, Any]) -> tuple[str, ...]:
    """In what status one of that kind has ended by itself."""
    return ("Completed",) if kind in _FOR_OTHERS else ("Completed", "Failed")


def _open(clients: Clients, parts: Parts) -> list[tuple[str, dict[str, Any]]]:
    state, found = clients.configuration.hub.state, list[tuple[str, dict[str, Any]]]()
    for blob in clients.hub.list(state, records.DEVOPS_OPEN):
        with parts.part(f"record {state}/{blob.path}"):
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
