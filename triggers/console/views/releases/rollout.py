"""One rollout: its steps, the comparison and its evidence over time, why it waits, and what people may order."""

import asyncio
from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.rollout.steps import StepDecision
from shared.domain.statistics.sequential.verdicts import RolloutVerdict
from shared.domain.teams.ownership import Belonging
from shared.evidence_page.rollout_figures import StepLook
from shared.evidence_page.rollout_plots import evidence_plot, odds_plot, share_plot
from triggers.console.page import PageRequest, View
from triggers.console.views.releases.figures import figure_of
from triggers.console.views.releases.standings import is_shifting, ladder_of, standing_of, step_name


async def show(request: PageRequest) -> View:
    promotion = request.parameters
    shown, looks = await asyncio.gather(request.api("show_rollout", promotion), request.api("show_looks", promotion))
    compared = [_step_look(look) for look in looks.looks if look.verdict]
    configuration, model = request.clients.configuration, shown.model.partition(":")[0]
    team = configuration.team_of(Belonging.MODEL, model)
    is_decided = shown.decision in (StepDecision.ABORT.value, StepDecision.STOP.value)
    may_order = configuration.permissions.allows(request.session.person, Action.ROLL_OUT, shown.environment, team)
    data = {
        "rollout": shown,
        "model": model,
        "standing": standing_of(shown),
        "step": step_name(shown),
        "ladder": ladder_of(shown),
        "looks": looks,
        "newest": list(reversed(looks.looks)),
        "evidence": figure_of(evidence_plot(compared, looks.abort_at, looks.clear_at)),
        "odds": figure_of(odds_plot(looks.comparisons)),
        "shares": figure_of(share_plot(compared)),
        "may_order": may_order and not shown.fate and not is_decided,
    }
    return View(template="rollout.html", title=shown.model, data=data, moves=is_shifting(shown))


def _step_look(look: Any) -> StepLook:
    return StepLook(
        at=look.at,
        percent=look.weight,
        canary=look.canary,
        champion=look.champion,
        worse=look.worse,
        better=look.better,
        verdict=RolloutVerdict(look.verdict),
    )
