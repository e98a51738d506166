"""Imports: the list, by route, outcome, source and time, and one with its steps, its files and their runs.

It stands alone as every page does; the API has the rules.
"""

from shared.contracts import ImportOutcome
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

_MOST = 200  # Files on a page: an import has no more.
FILTERS = ("route", "outcome", "source", "target", "state", "since", "until", "sort", "cursor")
ORDERS = {
    "": "the newest first",
    "opened": "the oldest first",
    "route": "by route",
    "outcome": "by outcome",
    "source": "by source",
    "target": "by place",
}


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    page = await request.api("list_imports", query=query)
    data = {
        "rows": page.imports,
        "total": page.total,
        "outcomes": page.outcomes,
        "next": next_page("/console/imports", query, page.next),
        "filters": query,
        "orders": ORDERS,
        "routes": [route.name for route in request.clients.configuration.routes],
        "kinds": [ImportOutcome.IMPORTED.value, ImportOutcome.FAILED.value],
    }
    moves = any(not row.outcome for row in page.imports)
    return View(template="imports.html", title="Imports", data=data, moves=moves)


async def show_import(request: PageRequest) -> View:
    shown = await request.api("show_import", request.parameters)
    moves = not shown.outcome or any(not run.outcome for file in shown.files for run in file.runs)
    return View(
        template="import.html", title=shown.name, data={"shown": shown, "files": shown.files[:_MOST]}, moves=moves
    )
