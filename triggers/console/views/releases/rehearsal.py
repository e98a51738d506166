"""A rehearsal of a rollback before it is ordered: what is switched or deployed, and put back; then the order."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.views import configuration_of_owner
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked
from triggers.console.views.releases.parts_of_page import part_of

_COLD, _WARM = "cold", "warm"


async def show(request: PageRequest) -> View:
    name, configuration = request.parameters["model"], request.clients.configuration
    await request.api("show_model", request.parameters)  # A model that there is not has no page.
    own = configuration_of_owner(configuration, Belonging.MODEL, name)
    ways = [
        *((stage.name, _WARM) for stage in own.ladder.stages if stage.rehearse),
        *((stage.name, _COLD) for stage in own.ladder.stages if stage.rollout is not None),
    ]
    chosen = _chosen(request, ways)
    plan = await part_of(request.api("plan_rehearsal", request.parameters, chosen))
    versions = await _served(request, chosen) if chosen.get("kind") == _COLD else []
    planned, team = plan.value, configuration.team_of(Belonging.MODEL, name)
    allows = configuration.permissions.allows
    data: dict[str, Any] = {
        "model": name,
        "plan": planned,
        "because": plan.because,
        "chosen": chosen,
        "ways": ways,
        "versions": versions,
        "may_order": bool(planned) and allows(request.session.person, Action.ROLL_BACK, planned.environment, team),
    }
    return View(template="rehearsal.html", title=f"Rehearse a rollback of {name}", data=data)


async def _served(request: PageRequest, chosen: Mapping[str, str]) -> list[str]:
    """The versions that have served the stage."""
    stage = {"stage": chosen["stage"]} if "stage" in chosen else {}
    known = await part_of(request.api("show_known_good", request.parameters, stage))
    return [row.model.partition(":")[2] for row in known.value.versions] if known.value else []


def _chosen(request: PageRequest, ways: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What is planned: by the address, or by the order that was sent and refused; the first way without either.

    The page's own form sends a stage and the kind as one field, the way.
    """
    if request.refusal:
        kind = _COLD if request.entered.get("cold") else _WARM
        return {**asked(request.entered, ("stage", "version")), "kind": kind}
    fields = asked(request.query, ("way", "stage", "version", "kind", "cold"))
    if fields.pop("cold", ""):
        fields["kind"] = _COLD
    way = fields.pop("way", "")
    if way:
        fields["stage"], _, fields["kind"] = way.partition(" ")
    elif "stage" not in fields and ways:
        fields["stage"], fields["kind"] = ways[0]
    if fields.get("kind") != _COLD:
        fields.pop("version", None)  # It was chosen for a cold one.
    return {name: value for name, value in fields.items() if value}
