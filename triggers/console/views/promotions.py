"""The list of promotions: what is where, since when, and for whom it waits.

It stands alone as every page does; the API has the rules.
"""

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

FILTERS = ("model", "target", "stage", "fate", "state", "since", "until", "sort", "cursor")
ORDERS = {
    "": "the newest first",
    "opened": "the oldest first",
    "model": "by model",
    "stage": "by stage",
    "fate": "by standing",
    "-since": "the last that moved first",
}


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    page = await request.api("list_promotions", query=query)
    ladder = request.clients.configuration.ladder
    data = {
        "rows": page.promotions,
        "total": page.total,
        "fates": page.fates,
        "next": next_page("/console/promotions", query, page.next),
        "filters": query,
        "orders": ORDERS,
        "models": [model.name for model in ladder.models],
        "stages": [stage.name for stage in ladder.stages],
    }
    is_at_work = any(not row.fate and not row.waits for row in page.promotions)
    return View(template="promotions.html", title="Promotions", data=data, moves=is_at_work)
