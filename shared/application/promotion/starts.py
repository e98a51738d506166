"""Start a promotion, or several that climb together, once: a second start of the same id joins the first.

It stands alone since HTTP requests, flags of models, retraining and Azure DevOps all start promotions here.
"""

import asyncio
import json
from functools import partial

from shared import contracts as c
from shared.codec import encode
from shared.durable.starting import Client, Start, start_once
from shared.records import paths as records
from shared.records.access import Records


async def start_promotion(client: Client, store: Records, promotion: c.Promotion | c.PromotionSet) -> Start:
    """Start it unless it runs or has run; a set is on the list of open sets before it starts."""
    if isinstance(promotion, c.PromotionSet):
        keep_open = partial(asyncio.to_thread, _keep_set_open, store, promotion)
        return await start_once(client, c.PROMOTE_SET, promotion.id, promotion, first=keep_open)
    return await start_once(client, c.PROMOTE, promotion.id, promotion)


def _keep_set_open(store: Records, promotion_set: c.PromotionSet) -> None:
    """From now on a sweep sees to it that all of it arrives, or what has arrived is taken back."""
    content = json.dumps(encode(promotion_set)).encode()
    store.hub.create(store.configuration.hub.state, records.open_set(promotion_set.id), content)
