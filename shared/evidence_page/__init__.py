"""The evidence pack as one page that needs no network: HTML with its plots inside."""

from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from shared.evidence_page.plots import intervals, worst_rows
from shared.evidence_page.templates import template_named


def page(content: dict[str, Any], digest: str) -> str:
    """*content* is what `activities.promotion.packs` stores as JSON, *digest* its own."""
    verdicts = [
        {"stage": assessment["stage"], "phase": assessment["phase"], **verdict}
        for assessment in content["assessments"]
        for verdict in assessment.get("verdicts", ())
    ]
    evidence = [
        assessment["evidence"] | {"stage": assessment["stage"], "phase": assessment["phase"]}
        for assessment in content["assessments"]
    ]
    plots = [Markup(plot) for record in evidence if (plot := intervals(record))]
    plots += [Markup(plot) for record in evidence if (plot := worst_rows(record))]
    return _template().render(pack=content, digest=digest, verdicts=verdicts, evidence=evidence, plots=plots)


@cache
def _template() -> jinja2.Template:
    return template_named("page.html")
