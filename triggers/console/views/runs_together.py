"""Release or reprocess several runs at once: first what would happen to each, then all that may be, with one reason."""

import asyncio
from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked

_AT_ONCE = 20  # As many as people read before they decide.
_KINDS = {  # What is done to runs of which outcome, and who may do it.
    "release": ("quarantined", Action.RELEASE),
    "reprocess": ("failed", Action.START_INFERENCE),
}


async def show(request: PageRequest) -> View:
    query = asked(request.query, ("what", "route"))
    # A form that was refused comes back without the address's filters; what it was for stands in it.
    names = request.entered.get("names", "").split()
    what = query.get("what", "release")
    outcome, action = _KINDS.get(what) or _KINDS["release"]
    filters = {"outcome": outcome, "limit": str(_AT_ONCE)} | ({"route": query["route"]} if "route" in query else {})
    page = await request.api("list_runs", query=filters)
    chosen = [row.run for row in page.runs if not names or row.run in names]
    shown = await asyncio.gather(*(request.api("show_run", {"run": name}) for name in chosen))
    rows = [{"run": run, "objection": _objection(request, run, what, action)} for run in shown]
    data = {
        "what": what if what in _KINDS else "release",
        "rows": rows,
        "total": page.total,
        "names": " ".join(row["run"].run for row in rows if not row["objection"]),
        "number": sum(not row["objection"] for row in rows),
        "route": query.get("route", ""),
    }
    return View(template="runs_together.html", title="Several runs", data=data)


def _objection(request: PageRequest, run: Any, what: str, action: Action) -> str:
    """Why it would not be done to *run*; empty where it would. The API decides once more."""
    configuration = request.clients.configuration
    team = configuration.team_of(Belonging.ROUTE, run.route)
    if not configuration.permissions.allows(request.session.person, action, run.environment, team):
        return f"you may not {action.value.replace('_', ' ')} in {run.environment}"
    if what == "release" and not (run.quarantine and run.quarantine.waits):
        return "nothing of it waits any more"
    return ""
