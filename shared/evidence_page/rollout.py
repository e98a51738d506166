"""The page of a rollout's step, which needs no network: HTML with its plots inside.

It stands alone, because the step of a rollout is drawn while traffic flows, and the evidence of a promotion before.
"""

from functools import cache

import jinja2
from markupsafe import Markup

from shared.domain.statistics.sequential.verdicts import evidence_text
from shared.evidence_page.rollout_figures import StepFigures
from shared.evidence_page.rollout_plots import evidence_plot, odds_plot, share_plot
from shared.evidence_page.templates import template_named


def step_page(figures: StepFigures, digest: str) -> str:
    """The page of *figures*, whose *digest* it names: the same figures give the same bytes."""
    judgement = figures.judgement
    plots = (
        share_plot(figures.looks),
        odds_plot(judgement.comparisons),
        evidence_plot(figures.looks, judgement.abort_at, judgement.clear_at),
    )
    return _template().render(
        step=figures, judgement=judgement, digest=digest, plots=[Markup(plot.svg()) for plot in plots if plot]
    )


@cache
def _template() -> jinja2.Template:
    return template_named("rollout.html", evidence=evidence_text)
