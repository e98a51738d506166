"""Accept a task of Azure DevOps that waits for us. Activities follow and release it; a sweep looks for lost ones.

It stands alone since the order of its three steps is what keeps a token from being lost, or kept for nothing.
"""

import asyncio
from datetime import timedelta

from shared import contracts as c
from shared.domain.devops.tasks import TOKEN_LIFE_S
from shared.durable.starting import Client, Start, start_once
from shared.ports import Clock, Secrets


async def accept_task(
    client: Client, secrets: Secrets, clock: Clock, name: str, token: str, following: c.TaskFollowing
) -> Start:
    """Seal *token* under *name* first, so that the orchestration finds it, and start to follow the task."""
    await asyncio.to_thread(secrets.keep, name, token, clock.now() + timedelta(seconds=TOKEN_LIFE_S))
    start = await start_once(client, c.FOLLOW_TASK, name, following)
    if start is Start.FINISHED:  # A replay, whose token nothing will use.
        await asyncio.to_thread(secrets.drop, name)
    return start
