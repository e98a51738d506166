"""Data sets: the published versions, and the manifest of one.

It stands alone as every page does; the API has the rules.
"""

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

_MOST = 200  # Files and columns on a page.
ORDERS = {"": "the newest first", "at": "the oldest first", "name": "by name"}


async def show(request: PageRequest) -> View:
    query = asked(request.query, ("name", "sort", "cursor"))
    page = await request.api("list_datasets", query=query)
    data = {
        "rows": page.datasets,
        "total": page.total,
        "next": next_page("/console/datasets", query, page.next),
        "filters": query,
        "orders": ORDERS,
        "names": [rules.name for rules in request.clients.configuration.datasets],
    }
    return View(template="datasets.html", title="Data sets", data=data)


async def show_version(request: PageRequest) -> View:
    shown = await request.api("show_dataset", request.parameters)
    data = {"shown": shown, "files": shown.files[:_MOST], "columns": shown.columns[:_MOST]}
    return View(template="dataset.html", title=f"{shown.name} {shown.version}", data=data)
