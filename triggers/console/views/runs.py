"""The list of runs, by route, outcome, model, file and time, in the order that the address names.

It stands alone as every page does; the API has the rules.
"""

from shared.domain.inference.runs import RunOutcome
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page

FILTERS = ("route", "outcome", "model", "file", "state", "since", "until", "sort", "cursor")
ORDERS = {
    "": "the newest first",
    "opened": "the oldest first",
    "route": "by route",
    "model": "by model",
    "outcome": "by outcome",
    "file": "by file",
}


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    page = await request.api("list_runs", query=query)
    data = {
        "rows": page.runs,
        "total": page.total,
        "outcomes": page.outcomes,
        "next": next_page("/console/runs", query, page.next),
        "filters": query,
        "orders": ORDERS,
        "routes": [route.name for route in request.clients.configuration.routes],
        "kinds": [outcome.value for outcome in RunOutcome],
    }
    return View(template="runs.html", title="Runs", data=data, moves=any(not row.outcome for row in page.runs))
