"""The evidence pack as one page that needs no network: HTML with its plots inside."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from shared.evidence_page.plots import intervals, worst_rows

_HERE = Path(__file__).parent


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


def template_named(name: str, **filters: Callable[..., str]) -> jinja2.Template:
    """A page of this folder, with the filters that all of them use, and *filters* of its own."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["short"] = lambda digest: digest[:19] + "…" if len(digest) > 20 else digest
    environment.filters["figure"] = lambda value: f"{value:.6g}"
    environment.filters["rough"] = lambda value: f"{value:.3g}"  # Of an estimate that knows no more digits.
    environment.filters.update(filters)
    return environment.from_string((_HERE / name).read_text(encoding="utf-8"))
