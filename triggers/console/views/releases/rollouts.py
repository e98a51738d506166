"""The list of rollouts: what is on its way to production, at which step, and why it waits.

It stands alone as every page does; the API has the rules.
"""

from typing import Any

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page
from triggers.console.views.releases.standings import is_open, is_shifting, standing_of, step_name

FILTERS = ("model", "sort", "after")
ORDERS = {
    "": "the last that was looked at first",
    "at": "the first",
    "model": "by model",
    "fate": "those under way first",
}


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    # A rollout that is under way is looked at every minute: it is among the last that were looked at.
    page = await request.api("list_rollouts", query={"sort": "-at"} | query)
    data = {
        "rows": [_row(row) for row in page.rollouts],
        "next": next_page("/console/rollouts", query, page.next, "after"),
        "filters": query,
        "orders": ORDERS,
        "models": [model.name for model in request.clients.configuration.ladder.models],
    }
    moves = any(is_shifting(row) for row in page.rollouts)
    return View(template="rollouts.html", title="Rollouts", data=data, moves=moves)


def _row(row: Any) -> dict[str, Any]:
    return {"row": row, "standing": standing_of(row), "step": step_name(row), "is_open": is_open(row)}
