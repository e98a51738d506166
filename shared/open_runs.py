"""The list of open runs: each is on it from before it is started until the last word on it is said.

A sweep looks there for runs that nobody has opened, and for those whose orchestration is gone.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial

from shared import contracts as c
from shared.codec import encode
from shared.domain import records
from shared.durable import Client, Start, start_once
from shared.ports import DataHub


async def start_inference(client: Client, hub: DataHub, inference: c.Inference) -> Start:
    return await start_once(client, c.RUN_INFERENCE, inference.run, inference, first=kept_open(hub, inference))


def kept_open(hub: DataHub, inference: c.Inference) -> Callable[[], Awaitable[object]]:
    """What has to happen before *inference* is started."""
    return partial(asyncio.to_thread, keep_open, hub, inference)


def keep_open(hub: DataHub, inference: c.Inference) -> None:
    content = json.dumps({"inference": encode(inference)}).encode()
    hub.create(inference.hub.state, records.open_run(inference.run), content)


def forget_open(hub: DataHub, inference: c.Inference) -> None:
    hub.delete(inference.hub.state, records.open_run(inference.run))
