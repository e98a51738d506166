"""The list of what stands in for Azure DevOps: each is on it from before it is started until it has ended.

A sweep looks there for those that were lost or ended from outside.
"""

import asyncio
import json
from functools import partial

from shared import contracts as c
from shared.codec import encode
from shared.durable.context import In, Out
from shared.durable.starting import Client, Start, start_once
from shared.records import paths as records
from shared.records.access import DatedRecords


async def start_kept(
    client: Client, made: DatedRecords, orchestration: c.Orchestration[In, Out], instance: str, payload: In
) -> Start:
    """Start it once; a sweep sees to it that it runs until it has ended."""
    kept = partial(asyncio.to_thread, keep_open, made, orchestration, instance, payload)
    return await start_once(client, orchestration, instance, payload, first=kept)


def keep_open(made: DatedRecords, orchestration: c.Orchestration[In, Out], instance: str, payload: In) -> None:
    since = made.clock.now().isoformat(timespec="milliseconds")
    content = {"orchestration": orchestration.name, "input": encode(payload), "since": since}
    made.hub.create(made.configuration.hub.state, records.devops_open(instance), json.dumps(content).encode())


def close(made: DatedRecords, instance: str) -> None:
    made.hub.delete(made.configuration.hub.state, records.devops_open(instance))
