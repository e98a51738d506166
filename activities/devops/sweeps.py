"""Keep alive what stands in for Azure DevOps: what was lost or ended from outside starts again, a follower or a mirror
also where it failed while its pipeline or promotion waits; and tokens whose time is over are dropped.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.devops.open_instances import close
from shared.clients import Clients
from shared.codec import decode
from shared.durable.starting import Client, Start, find_instance, start_once
from shared.records.devops import OpenInstance
from shared.records.devops import paths as devops_paths

_LONGEST = timedelta(days=31)  # Azure DevOps lets nothing wait longer than thirty.
_FOR_OTHERS: tuple[c.Orchestration[Any, Any], ...] = (c.FOLLOW_TASK, c.MIRROR)  # Whatever fails, these still wait.
_KINDS = {orchestration.name: orchestration for orchestration in (*_FOR_OTHERS, c.HEED, c.RUN_DEVOPS_PIPELINE)}
_log = logging.getLogger(__name__)


async def sweep_devops(client: Client, clients: Clients, parts: Parts) -> int:
    """How many were started again."""
    starts = 0
    for stored in await asyncio.to_thread(parts.records, clients.store, OpenInstance, devops_paths.OPEN_INSTANCES):
        instance, entry = (
            stored.blob.path.removeprefix(devops_paths.OPEN_INSTANCES).removesuffix(".json"),
            stored.record,
        )
        with parts.part(f"Azure DevOps' {instance}"):
            starts += await _start_again(client, clients, instance, entry)
    if clients.configuration.devops.organisations:
        with parts.part("tokens of Azure DevOps whose time is over"):
            await asyncio.to_thread(lambda: clients.secrets.drop_expired(clients.clock.now()))
    return starts


async def _start_again(client: Client, clients: Clients, instance: str, entry: OpenInstance) -> bool:
    durable_instance, kind = await find_instance(client, instance), _KINDS[entry.orchestration]
    if durable_instance and durable_instance.running:
        return False
    if durable_instance and durable_instance.status in _ends(kind):
        await asyncio.to_thread(close, clients.store, instance)
        return False
    if not await asyncio.to_thread(_still, clients, instance, entry):
        return False
    start = await start_once(client, kind, instance, decode(kind.takes, entry.input), again=True)
    return start is Start.STARTED


def _ends(kind: c.Orchestration[Any, Any]) -> tuple[str, ...]:
    """In what status one of that kind has ended by itself."""
    return ("Completed",) if kind in _FOR_OTHERS else ("Completed", "Failed")


def _still(clients: Clients, instance: str, entry: OpenInstance) -> bool:
    """It may have been closed meanwhile; and nothing waits for ever."""
    if clients.clock.now() - datetime.fromisoformat(entry.since) > _LONGEST:
        _log.warning("%s is given up: it has waited for more than %s", instance, _LONGEST)
        close(clients.store, instance)
    return clients.store.exists(devops_paths.open_instance(instance))
