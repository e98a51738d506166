"""One run: its steps with their times, why its data or its predictions wait, its job, and what may be done about it.

It stands alone as every page does; the API has the rules.
"""

from shared.domain.access.permissions import Action
from triggers.console.page import PageRequest, View


async def show(request: PageRequest) -> View:
    shown = await request.api("show_run", request.parameters)
    permissions, person = request.clients.configuration.permissions, request.session.person
    steps, before = list[dict[str, object]](), shown.opened
    for step in sorted(shown.steps, key=lambda step: step.at):
        steps.append({"step": step, "since": before})
        before = step.at
    data = {
        "run": shown,
        "steps": steps,
        "may_release": permissions.allows(person, Action.RELEASE, shown.environment),
        "may_operate": permissions.allows(person, Action.OPERATE, shown.environment),
        "may_start": permissions.allows(person, Action.START_INFERENCE, shown.environment),
    }
    return View(template="run.html", title=shown.run, data=data)
