"""Start what a flag asks for: one promotion, or several that climb together. Whoever comes second joins the first."""

import asyncio
from functools import partial

from shared import contracts as c
from shared.durable.starting import Client, Start, start_once
from shared.records.promotion import list_set
from shared.records.store import RecordStore


async def start_flagged(client: Client, store: RecordStore, request: c.Promotion | c.PromotionSet) -> Start:
    if isinstance(request, c.PromotionSet):
        listing = partial(asyncio.to_thread, list_set, store, request)
        return await start_once(client, c.PROMOTE_SET, request.id, request, first=listing)
    return await start_once(client, c.PROMOTE, request.id, request)
