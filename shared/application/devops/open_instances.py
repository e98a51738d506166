"""The list of what stands in for Azure DevOps: each is on it from before it is started until it has ended.

A sweep looks there for those that were lost or ended from outside.
"""

import asyncio
from datetime import datetime
from functools import partial

from shared import contracts as c
from shared.codec import encode
from shared.durable.context import In, Out
from shared.durable.starting import Client, Start, start_once
from shared.records.devops import OpenInstance
from shared.records.devops import paths as devops_paths
from shared.records.store import RecordStore


async def start_kept(
    client: Client,
    store: RecordStore,
    now: datetime,
    orchestration: c.Orchestration[In, Out],
    instance: str,
    payload: In,
) -> Start:
    """Start it once; a sweep sees to it that it runs until it has ended."""
    listing = partial(asyncio.to_thread, keep_open, store, now, orchestration, instance, payload)
    return await start_once(client, orchestration, instance, payload, first=listing)


def keep_open(
    store: RecordStore, now: datetime, orchestration: c.Orchestration[In, Out], instance: str, payload: In
) -> None:
    """Put *instance* on the list, as of *now*. Safe to repeat."""
    since = now.isoformat(timespec="milliseconds")
    entry = OpenInstance(orchestration=orchestration.name, input=encode(payload), since=since)
    # Created and never overwritten: the entry of the first start keeps its time, by which a sweep gives the start its
    # grace.
    store.create(devops_paths.open_instance(instance), entry)


def close(store: RecordStore, instance: str) -> None:
    """Take *instance* from the list: it has ended. Safe to repeat."""
    store.delete(devops_paths.open_instance(instance))
