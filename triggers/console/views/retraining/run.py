"""One run of training: the causes that it answers, the data that it was trained on, and how it was judged.

It stands alone as every page does; the API has the rules.
"""

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from triggers.console.page import PageRequest, View


async def show(request: PageRequest) -> View:
    shown = await request.api("show_training", request.parameters)
    configuration, person = request.clients.configuration, request.session.person
    rules = next((rules for rules in configuration.retraining if rules.model == shown.model), None)
    place, team = rules.pipeline.workspace.name if rules else "", configuration.team_of(Belonging.MODEL, shown.model)
    evaluation = (shown.trial.evidence.get("evaluation") or {}) if shown.trial else {}
    data = {
        "run": shown,
        "differences": evaluation.get("differences") or (),
        "slices": evaluation.get("slices") or (),
        "may_cancel": not shown.outcome and configuration.permissions.allows(person, Action.OPERATE, place, team),
        "may_see_log": configuration.permissions.allows(person, Action.SEE_DATA, place, team),
    }
    return View(template="retraining_run.html", title=shown.run, data=data, moves=not shown.outcome)
