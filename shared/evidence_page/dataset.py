"""A data set's figures as one page that needs no network and no script: tables, histograms, and a grid of correlations.

It stands alone, because nobody decides on it: what approvers look at is elsewhere in this folder.
"""

from datetime import UTC, datetime
from functools import cache

import jinja2
from markupsafe import Markup

from shared.domain.datasets.profile import ColumnFigures, Correlations, DatasetProfile, Histogram
from shared.evidence_page.charts import GOOD, Axis, Chart, ticked
from shared.evidence_page.templates import template_named

_HEIGHT = 190
_BARS_WIDTH = 700.0  # Units of a chart that are left for bars, about.
_SHADES = 10


def dataset_page(profile: DatasetProfile) -> str:
    """The page of *profile*."""
    table = profile.table
    columns = [(column, Markup(_histogram(column))) for column in table.columns] if table else []
    correlations = _grid(table.correlations) if table and table.correlations else []
    return _template().render(profile=profile, table=table, columns=columns, correlations=correlations)


def _histogram(column: ColumnFigures) -> str:
    """The bars of *column*; empty where it has no numbers, days or moments, or a single one."""
    histogram = column.histogram
    if histogram is None or histogram.low == histogram.high:
        return ""
    most, count = max(histogram.bins), len(histogram.bins)
    chart = Chart(
        title="rows by value",
        x=_values_axis(column, histogram),
        y=ticked(Axis(low=0.0, high=1.05 * max(most, 1), name="rows")),
        height=_HEIGHT,
    )
    width = (histogram.high - histogram.low) / count
    for number, rows in enumerate(histogram.bins):
        middle = histogram.low + (number + 0.5) * width
        chart.line([(middle, 0.0), (middle, float(rows))], GOOD, _BARS_WIDTH / count - 2, cap="butt")
    return chart.svg()


def _values_axis(column: ColumnFigures, histogram: Histogram) -> Axis:
    if column.type not in ("date", "timestamp"):
        return ticked(Axis(low=histogram.low, high=histogram.high))
    ends = (histogram.low, (histogram.low + histogram.high) / 2, histogram.high)
    shown = "%Y-%m-%d" if column.type == "date" or histogram.high - histogram.low > 86400 * 3 else "%m-%d %H:%M"
    ticks = [(end, datetime.fromtimestamp(end, UTC).strftime(shown)) for end in ends]
    return Axis(low=histogram.low, high=histogram.high, ticks=ticks)


def _grid(correlations: Correlations) -> list[tuple[str, list[tuple[str, str]]]]:
    """A row for each column: its name, and the figure and the class of each cell. Colour repeats what figures say."""
    return [
        (name, [("", "none") if value is None else (f"{value:.2f}", _shade(value)) for value in row])
        for name, row in zip(correlations.columns, correlations.rows, strict=True)
    ]


def _shade(value: float) -> str:
    return f"{'plus' if value >= 0 else 'minus'}{round(abs(value) * _SHADES)}"


@cache
def _template() -> jinja2.Template:
    return template_named("dataset.html")
