"""A drift report as one page that needs no network: HTML with its plot inside.

It stands alone, because a drift report is no evidence of a promotion.
"""

from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from shared.evidence_page.plots import movements
from shared.evidence_page.templates import template_named


def drift_page(report: dict[str, Any]) -> str:
    """*report* is what `activities.drift.verdicts` stores as JSON."""
    columns = sorted(report["verdict"]["columns"], key=lambda column: (-column["share"], -(column["effect"] or 0)))
    plots = [Markup(plot)] if (plot := movements(columns, report["effect"])) else []
    return _template().render(report=report, columns=columns, plots=plots)


@cache
def _template() -> jinja2.Template:
    return template_named("drift.html")
