"""Start a promotion, or several that climb together, or the undoing of one: a second start joins the first.

It stands alone since HTTP requests, flags of models, sweeps, retraining and Azure DevOps all start promotions here.
"""

import asyncio
from functools import partial

from shared import contracts as c
from shared.domain import identity
from shared.durable.starting import Client, Start, start_once
from shared.records.promotion import list_set
from shared.records.store import RecordStore


async def start_promotion(client: Client, store: RecordStore, promotion: c.Promotion | c.PromotionSet) -> Start:
    """Start it unless it runs or has run; a set is on the list of open sets before it starts."""
    if isinstance(promotion, c.PromotionSet):
        keep_open = partial(asyncio.to_thread, list_set, store, promotion)
        return await start_once(client, c.PROMOTE_SET, promotion.id, promotion, first=keep_open)
    return await start_once(client, c.PROMOTE, promotion.id, promotion)


async def start_restore(client: Client, restoring: c.Restoring) -> Start:
    """Undo a promotion, unless that runs; what an earlier undoing has left is undone again."""
    name = identity.restore_id(restoring.promotion.id)
    return await start_once(client, c.RESTORE, name, restoring, again=True)
