"""A rollback before it is ordered: from what to what, by which way, on whose answer; then the order with its reason."""

import asyncio
from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.views import configuration_of_owner
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked
from triggers.console.views.releases.parts_of_page import part_of


async def show(request: PageRequest) -> View:
    name, chosen = request.parameters["model"], _chosen(request)
    own = configuration_of_owner(request.clients.configuration, Belonging.MODEL, name)
    stages = [stage for stage in own.ladder.stages if stage.rollout is not None and stage.environment is not None]
    if "stage" not in chosen and len(stages) > 1:
        chosen["stage"] = stages[0].name
    await request.api("show_model", request.parameters)  # A model that there is not has no page.
    stage = {"stage": chosen["stage"]} if "stage" in chosen else {}
    plan, known = await asyncio.gather(
        part_of(request.api("plan_rollback", request.parameters, chosen)),
        part_of(request.api("show_known_good", request.parameters, stage)),
    )
    planned = plan.value
    team = request.clients.configuration.team_of(Belonging.MODEL, name)
    allows = request.clients.configuration.permissions.allows
    data: dict[str, Any] = {
        "model": name,
        "plan": planned,
        "because": plan.because,
        "chosen": chosen,
        "stages": [stage.name for stage in stages],
        "versions": [row.model.partition(":")[2] for row in known.value.versions] if known.value else [],
        "known": known.value.versions if known.value else (),
        "may_order": bool(planned) and allows(request.session.person, Action.ROLL_BACK, planned.environment, team),
    }
    return View(template="rollback.html", title=f"Roll back {name}", data=data)


def _chosen(request: PageRequest) -> dict[str, str]:
    """What is planned: by the address, or by the order that was sent and refused."""
    return asked(request.entered if request.refusal else request.query, ("stage", "to"))
