"""Start what a flag asks for: one promotion, or several that climb together. Whoever comes second joins the first."""

import asyncio
import json
from functools import partial

from shared import contracts as c
from shared.codec import encode
from shared.durable.starting import Client, Start, start_once
from shared.records import paths as records
from shared.records.access import Records


async def start_flagged(client: Client, made: Records, asked: c.Promotion | c.PromotionSet) -> Start:
    if isinstance(asked, c.PromotionSet):
        listing = partial(asyncio.to_thread, list_set, made, asked)
        return await start_once(client, c.PROMOTE_SET, asked.id, asked, first=listing)
    return await start_once(client, c.PROMOTE, asked.id, asked)


def list_set(made: Records, together: c.PromotionSet) -> None:
    """From now on a sweep sees to it that all of it arrives, or what has arrived is taken back."""
    content = json.dumps(encode(together)).encode()
    made.hub.create(made.configuration.hub.state, records.open_set(together.id), content)
