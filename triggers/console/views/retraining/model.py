"""Why one model is retrained or is not: its open causes, what was decided on them, its runs, and what they have cost.

It stands alone as every page does; the API has the rules.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, in_order

ORDERS = {
    "causes": {"": "the oldest first", "-at": "the newest first", "kind": "by cause", "who": "by who"},
    "verdicts": {"": "the newest first", "at": "the oldest first", "move": "by decision", "rule": "by rule"},
    "runs": {
        "": "the newest first",
        "opened": "the oldest first",
        "outcome": "by outcome",
        "-cost": "the dearest first",
    },
}
_COLUMNS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "causes": {name: attrgetter(name) for name in ("kind", "who", "at")},
    "verdicts": {name: attrgetter(name) for name in ("move", "rule", "number", "at")},
    "runs": {
        **{name: attrgetter(name) for name in ("outcome", "challenger", "opened")},
        "cost": lambda row: row.cost.counted if row.cost else None,
    },
}


async def show(request: PageRequest) -> View:
    shown = await request.api("show_retraining", request.parameters)
    configuration, model = request.clients.configuration, request.parameters["model"]
    rules = configuration.retrained(model)
    team, place = configuration.team_of(Belonging.MODEL, model), rules.pipeline.workspace.name
    filters = asked(request.query, ORDERS)
    lists = {name: in_order(getattr(shown, name), filters.get(name, ""), _COLUMNS[name]) for name in ORDERS}
    data = {
        **lists,
        "orders": ORDERS,
        "filters": filters,
        "shown": shown,
        "rules": rules,
        "is_watched": configuration.watch(model) is not None,
        "share": spent_share(shown.spent, shown.budget.amount),
        "may_retrain": configuration.permissions.allows(request.session.person, Action.RETRAIN, place, team),
    }
    return View(template="retraining_model.html", title=model, data=data, moves=bool(shown.running))


def spent_share(spent: float, amount: float) -> Any:
    """How many hundredths of the budget are spent, at most all; None where there is no budget."""
    return min(100, round(100 * spent / amount)) if amount else None
