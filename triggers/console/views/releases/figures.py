"""Charts of the evidence pages in a page of the console: drawn twice, for wide and for narrow screens.

The page itself says title, legend and axes, so that their words are as large as all others on every screen.
"""

from dataclasses import dataclass

from markupsafe import Markup

from shared.evidence_page.charts import BAD, GOOD, GRID, INK, Chart

_WIDE, _NARROW = 560, 340
_KINDS = {INK: "ink", GOOD: "good", BAD: "bad", GRID: "grid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFigure:
    """*legend* are texts with the kind of their mark. The drawings are SVG of ours, in which every text is escaped."""

    title: str
    legend: tuple[tuple[str, str], ...]
    across: str
    up: str
    wide: Markup
    narrow: Markup


def figure_of(chart: Chart | None, wide: float = _WIDE) -> ChartFigure | None:
    """*chart*, drawn *wide* units wide for wide screens; None where there is nothing to draw."""
    if chart is None:
        return None
    return ChartFigure(
        title=chart.title,
        legend=tuple((text, _KINDS[colour]) for text, colour in chart.legend),
        across=chart.x.name,
        up=chart.y.name,
        wide=Markup(chart.bare(wide)),
        narrow=Markup(chart.bare(_NARROW)),
    )
