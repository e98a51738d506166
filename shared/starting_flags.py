"""Start what a flag asks for: one promotion, or several that climb together. Whoever comes second joins the first."""

from shared import contracts as c
from shared.durable import Client, Start, start_once


async def start_flagged(client: Client, asked: c.Promotion | c.PromotionSet) -> Start:
    if isinstance(asked, c.PromotionSet):
        return await start_once(client, c.PROMOTE_SET, asked.id, asked)
    return await start_once(client, c.PROMOTE, asked.id, asked)
