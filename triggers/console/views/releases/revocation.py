"""A revocation before it is ordered: the entry, where it serves, and what is brought back; then the order."""

import asyncio
from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.promotion.ladder import REGISTRY
from shared.domain.promotion.models import EntryState
from shared.domain.teams.ownership import Belonging
from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked
from triggers.console.views.releases.model import versions_of


async def show(request: PageRequest) -> View:
    name = request.parameters["model"]
    chosen = asked(request.entered if request.refusal else request.query, ("version",))
    shown = await request.api("show_model", request.parameters)
    entered = versions_of(row for row in shown.versions if row.place == REGISTRY)
    configuration, person = request.clients.configuration, request.session.person
    data: dict[str, Any] = {
        "model": name,
        "chosen": chosen,
        "versions": entered,
        "plan": None,
        "open": [],
        "may_order": False,
    }
    if chosen:
        plan, page = await asyncio.gather(
            request.api("plan_revocation", request.parameters, chosen),
            request.api("list_promotions", query={"model": name, "state": "open"}),
        )
        team = configuration.team_of(Belonging.MODEL, name)
        is_possible = plan.state not in ("", EntryState.REVOKED.value)
        data |= {
            "plan": plan,
            "open": [row for row in page.promotions if row.version == chosen["version"]],
            "may_order": is_possible and configuration.permissions.allows(person, Action.REVOKE, REGISTRY, team),
        }
    return View(template="revocation.html", title=f"Revoke a version of {name}", data=data)
