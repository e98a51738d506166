"""What holds a version back from promotions, and what a release would clear; then the order with its reason."""

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.views import configuration_of_owner
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked
from triggers.console.views.releases.model import versions_of


async def show(request: PageRequest) -> View:
    name = request.parameters["model"]
    chosen = asked(request.entered if request.refusal else request.query, ("version",))
    shown = await request.api("show_model", request.parameters)
    plan = await request.api("plan_release", request.parameters, chosen) if chosen else None
    configuration, person = request.clients.configuration, request.session.person
    team = configuration.team_of(Belonging.MODEL, name)
    own = configuration_of_owner(configuration, Belonging.MODEL, name)
    places = [stage.place for stage in own.ladder.stages if stage.rollout is not None]
    allowed = bool(places) and all(
        configuration.permissions.allows(person, Action.ROLL_BACK, place, team) for place in places
    )
    data = {
        "model": name,
        "chosen": chosen,
        "versions": versions_of(shown.versions),
        "plan": plan,
        "may_order": plan is not None and bool(plan.held or plan.alerts) and allowed,
    }
    return View(template="hold.html", title=f"Release a hold of {name}", data=data)
