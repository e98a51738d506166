"""One run: its steps with their times, why its data or its predictions wait, its job, and what may be done about it.

It stands alone as every page does; the API has the rules.
"""

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from triggers.console.page import PageRequest, View

_GATHERING = "gathering"  # A window waits for its files, for hours perhaps.


async def show(request: PageRequest) -> View:
    shown = await request.api("show_run", request.parameters)
    configuration, person = request.clients.configuration, request.session.person
    team, place = configuration.team_of(Belonging.ROUTE, shown.route), shown.environment
    steps, before = list[dict[str, object]](), shown.opened
    for step in sorted(shown.steps, key=lambda step: step.at):
        steps.append({"step": step, "since": before})
        before = step.at
    data = {
        "run": shown,
        "steps": steps,
        "sees_data": configuration.permissions.allows(person, Action.SEE_DATA, place, team),
        "see_data": configuration.permissions.who_may(Action.SEE_DATA, place, team),
        "may_release": configuration.permissions.allows(person, Action.RELEASE, place, team),
        "may_operate": configuration.permissions.allows(person, Action.OPERATE, place, team),
        "may_start": configuration.permissions.allows(person, Action.START_INFERENCE, place, team),
    }
    is_at_work = not shown.outcome and shown.step != _GATHERING
    return View(template="run.html", title=shown.run, data=data, moves=is_at_work)
