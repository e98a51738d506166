"""The list of open runs: each is on it from before it is started until the last word on it is said.

A sweep looks there for runs that nobody has opened, and for those whose orchestration is gone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from shared import contracts as c
from shared.durable.starting import Client, Start, start_once
from shared.ports import DataHub
from shared.records import paths
from shared.records.inference import OpenRun, store_of


async def start_inference(client: Client, hub: DataHub, inference: c.Inference) -> Start:
    """Start the run unless it runs or has run; says which.

    A run that has ended, and whose record the store has lost, goes on the list of open runs again: the sweep closes it.
    """
    # Listed before it is started: a host that dies between the two leaves an entry without an instance, which a sweep
    # starts. The other order could leave an instance that no sweep ever looks at.
    start = await start_once(client, c.RUN_INFERENCE, inference.run, inference, first=opening_step(hub, inference))
    if start is Start.FINISHED:
        await asyncio.to_thread(_reopen_lost, hub, inference)
    return start


def _reopen_lost(hub: DataHub, inference: c.Inference) -> None:
    if not store_of(hub, inference).exists(paths.run_record(inference.run)):
        keep_open(hub, inference)


def opening_step(hub: DataHub, inference: c.Inference) -> Callable[[], Awaitable[object]]:
    """What has to happen before *inference* is started."""
    return partial(asyncio.to_thread, keep_open, hub, inference)


def keep_open(hub: DataHub, inference: c.Inference) -> None:
    """Put the run on the list of open ones. Safe to repeat."""
    store_of(hub, inference).create(paths.open_run(inference.run), OpenRun(inference=inference))


def forget_open(hub: DataHub, inference: c.Inference) -> None:
    """Take the run from the list: the last word on it is said."""
    store_of(hub, inference).delete(paths.open_run(inference.run))
