"""Start a promotion, or several that climb together, or the undoing of one: a second start joins the first.

It stands alone since HTTP requests, flags of models, sweeps, retraining and Azure DevOps all start promotions here.
"""

import asyncio
from functools import partial
from typing import Protocol

from shared import contracts as c
from shared.domain import identity
from shared.durable.starting import Client, Start, start_once
from shared.ports import Clock
from shared.records.promotion import sign_set
from shared.records.statements import Statements


class StartingClients(Protocol):
    """What starting a promotion needs."""

    @property
    def statements(self) -> Statements: ...
    @property
    def clock(self) -> Clock: ...


async def start_promotion(client: Client, clients: StartingClients, promotion: c.Promotion | c.PromotionSet) -> Start:
    """Start it unless it runs or has run; a set is signed, and listed as open, before it starts."""
    if isinstance(promotion, c.PromotionSet):
        keep_open = partial(asyncio.to_thread, sign_set, clients.statements, promotion, clients.clock.now())
        return await start_once(client, c.PROMOTE_SET, promotion.id, promotion, first=keep_open)
    return await start_once(client, c.PROMOTE, promotion.id, promotion)


async def start_restore(client: Client, restoring: c.Restoring) -> Start:
    """Undo a promotion, unless that runs; what an earlier undoing has left is undone again."""
    name = identity.restore_id(restoring.promotion.id)
    return await start_once(client, c.RESTORE, name, restoring, again=True)
