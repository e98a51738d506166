"""The plots of a data set's page, each as the JSON that BokehJS draws.

No name or value of the data set is ever given to Bokeh as a plain label: it would look for TeX in it, and for that
load a script from another host. `PlainText` is taken as it is. Colours of axes are the page's, by its style; those of
marks cannot be, and are readable on a light and on a dark page.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from bokeh.embed import json_item
from bokeh.models import (
    BasicTicker,
    BasicTickFormatter,
    BoxZoomTool,
    ColumnDataSource,
    DataRange1d,
    DatetimeAxis,
    FixedTicker,
    Grid,
    HBar,
    HoverTool,
    LinearAxis,
    PanTool,
    PlainText,
    Plot,
    Quad,
    Range1d,
    Rect,
    ResetTool,
    ZoomInTool,
    ZoomOutTool,
)

_MARKS, _TOGETHER, _OPPOSITE = "#2f86c9", "#2f86c9", "#d9762b"
_HEIGHT = 220
_BAR, _CELL = 24, 26  # Pixels of a bar's row, and of a cell.
_LABELS, _TOOLS, _LEAST_SIDE = 130, 30, 180  # A map lower than that would hide some of the tools beside it.
_LONGEST_LABEL = 18
_MOMENTS = ("date", "timestamp")

Figures = Mapping[str, Any]  # As the app prints them; `shared/domain/datasets/profile.py` names and explains each.


def histogram(column: Figures) -> Plot | None:
    """How many rows of *column* lie in each part of its range; None where there is no range."""
    bins = column["histogram"]
    if bins is None or bins["low"] == bins["high"]:
        return None
    counts, is_moment = bins["bins"], column["type"] in _MOMENTS
    width = (bins["high"] - bins["low"]) / len(counts)
    edges = [bins["low"] + number * width for number in range(len(counts))] + [bins["high"]]
    names = [_moment(edge, column["type"]) if is_moment else f"{edge:.6g}" for edge in edges]
    places = [edge * 1000 for edge in edges] if is_moment else edges  # BokehJS counts milliseconds.
    data = {"left": places[:-1], "right": places[1:], "rows": counts, "from": names[:-1], "to": names[1:]}
    plot = _plot(DataRange1d(range_padding=0.01), Range1d(start=0, end=1.05 * max(*counts, 1)), _HEIGHT)
    plot.add_glyph(
        ColumnDataSource(data=data),
        Quad(left="left", right="right", bottom=0, top="rows", fill_color=_MARKS, line_color=None),
    )
    plot.add_layout(DatetimeAxis() if is_moment else LinearAxis(), "below")
    _add_counts(plot, "left")
    return _with_tools(plot, {"from": "@from", "to": "@to", "rows": "@rows{0,0}"}, "width")


def frequent_values(column: Figures) -> Plot | None:
    """A bar for each of the most frequent values of *column*."""
    values = column["values"]
    if not values:
        return None
    plot = _bars([item["value"] for item in values], [item["count"] for item in values])
    plot.add_tools(_hover({"value": "@name", "rows": "@size{0,0}"}))
    return plot


def missing_values(columns: Sequence[Figures], rows: int) -> Plot | None:
    """The share of rows without a value, of each of *columns*."""
    if not columns:
        return None
    plot = _bars([column["name"] for column in columns], [100 * column["missing"] / rows for column in columns], 100)
    plot.add_tools(_hover({"column": "@name", "missing": "@size{0.0} %"}))
    return plot


def correlation_map(correlations: Figures) -> Plot:
    """A cell for each pair of columns: the deeper its colour, the more the two go together, or against each other."""
    names, values = correlations["columns"], correlations["rows"]
    cells = [(x, y, value) for y, row in enumerate(values) for x, value in enumerate(row) if value is not None]
    data = {
        "x": [x for x, _, _ in cells],
        "y": [-y for _, y, _ in cells],
        "colour": [_TOGETHER if value >= 0 else _OPPOSITE for _, _, value in cells],
        "depth": [abs(value) for _, _, value in cells],
        "first": [_short(names[y], 60) for _, y, _ in cells],
        "second": [_short(names[x], 60) for x, _, _ in cells],
        "value": [f"{value:.2f}" for _, _, value in cells],
    }
    size = len(names)
    side = max(_CELL * size, _LEAST_SIDE)
    plot = _plot(Range1d(start=-0.5, end=size - 0.5), Range1d(start=0.5 - size, end=0.5), _LABELS + side)
    plot.update(sizing_mode="fixed", width=_LABELS + _TOOLS + side)
    plot.add_glyph(
        ColumnDataSource(data=data),
        Rect(x="x", y="y", width=0.94, height=0.94, fill_color="colour", fill_alpha="depth", line_color=None),
    )
    plot.add_layout(_named_axis(names, 1, major_label_orientation="vertical"), "below")
    plot.add_layout(_named_axis(names, -1), "left")
    return _with_tools(plot, {"column": "@first", "and": "@second", "correlation": "@value"}, "both")


def for_page(plot: Plot, place: str) -> Any:
    """What BokehJS draws of *plot* into the element with the id *place*."""
    return json_item(plot, place)  # type: ignore[arg-type, unused-ignore]


def _bars(names: Sequence[str], sizes: Sequence[float], most: float | None = None) -> Plot:
    end = most or 1.05 * max(sizes)
    plot = _plot(Range1d(start=0, end=end), Range1d(start=0.4 - len(names), end=0.6), 50 + _BAR * len(names))
    data = {"y": [-number for number in range(len(names))], "size": list(sizes), "name": list(names)}
    plot.add_glyph(
        ColumnDataSource(data=data), HBar(y="y", right="size", left=0, height=0.8, fill_color=_MARKS, line_color=None)
    )
    _add_counts(plot, "below")
    plot.add_layout(_named_axis(names, -1), "left")
    plot.toolbar_location = None  # All is in sight: there is nothing to zoom into.
    return plot


def _plot(x: Range1d | DataRange1d, y: Range1d, height: int) -> Plot:
    plot = Plot(x_range=x, y_range=y, height=height, sizing_mode="stretch_width", min_border=8)
    plot.toolbar.logo = None
    return plot


def _add_counts(plot: Plot, side: Literal["left", "below"]) -> None:
    axis = LinearAxis(ticker=BasicTicker(min_interval=1), formatter=BasicTickFormatter(use_scientific=False))
    plot.add_layout(axis, side)
    plot.add_layout(Grid(axis=axis, dimension=0 if side == "below" else 1))


def _named_axis(names: Sequence[str], direction: int, **properties: Any) -> LinearAxis:
    places = [direction * number for number in range(len(names))]
    axis = LinearAxis(axis_line_color=None, **properties)
    axis.update(
        ticker=FixedTicker(ticks=places, minor_ticks=[]),
        major_label_overrides={place: PlainText(text=_short(name)) for place, name in zip(places, names, strict=True)},
    )
    return axis


def _with_tools(plot: Plot, shown: Mapping[str, str], dimensions: Literal["width", "both"]) -> Plot:
    """*plot* with what a pointer is told and the ways to zoom; the wheel and a finger go on scrolling the page."""
    zooms = (ZoomInTool(dimensions=dimensions), ZoomOutTool(dimensions=dimensions))
    plot.add_tools(
        _hover(shown), BoxZoomTool(dimensions=dimensions), PanTool(dimensions=dimensions), *zooms, ResetTool()
    )
    plot.toolbar.active_drag = None
    return plot


def _hover(shown: Mapping[str, str]) -> HoverTool:
    return HoverTool(tooltips=list(shown.items()), visible=False)  # It needs no button: it is always on.


def _moment(seconds: float, kind: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M:%S")


def _short(text: str, longest: int = _LONGEST_LABEL) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
