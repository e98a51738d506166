"""Why one model is retrained or is not: its open causes, what was decided on them, its runs, and what they have cost.

It stands alone as every page does; the API has the rules.
"""

from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from triggers.console.page import PageRequest, View


async def show(request: PageRequest) -> View:
    shown = await request.api("show_retraining", request.parameters)
    configuration, model = request.clients.configuration, request.parameters["model"]
    rules = configuration.retrained(model)
    team, place = configuration.team_of(Belonging.MODEL, model), rules.pipeline.workspace.name
    data = {
        "shown": shown,
        "rules": rules,
        "is_watched": configuration.watch(model) is not None,
        "share": spent_share(shown.spent, shown.budget.amount),
        "may_retrain": configuration.permissions.allows(request.session.person, Action.RETRAIN, place, team),
    }
    return View(template="retraining_model.html", title=model, data=data)


def spent_share(spent: float, amount: float) -> Any:
    """How many hundredths of the budget are spent, at most all; None where there is no budget."""
    return min(100, round(100 * spent / amount)) if amount else None
