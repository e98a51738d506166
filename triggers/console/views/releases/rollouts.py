"""The list of rollouts: what is on its way to production, at which step, and why it waits.

It stands alone as every page does; the API has the rules.
"""

from datetime import datetime
from typing import Any

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, next_page
from triggers.console.views.releases.standings import is_open, standing_of, step_name

FILTERS = ("model", "after")


async def show(request: PageRequest) -> View:
    query = asked(request.query, FILTERS)
    page = await request.api("list_rollouts", query=query)
    rows = sorted(page.rollouts, key=lambda row: (is_open(row), datetime.fromisoformat(row.at)), reverse=True)
    data = {
        "rows": [_row(row) for row in rows],
        "next": next_page("/console/rollouts", query, page.next, "after"),
        "filters": query,
        "models": [model.name for model in request.clients.configuration.ladder.models],
    }
    return View(template="rollouts.html", title="Rollouts", data=data)


def _row(row: Any) -> dict[str, Any]:
    return {"row": row, "standing": standing_of(row), "step": step_name(row), "is_open": is_open(row)}
