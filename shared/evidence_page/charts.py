"""Charts of the evidence pages as SVG text: marks on two axes, drawn by a template of this folder.

A chart is inside its page, needs no network and no script, and is the same text for the same data. What is drawn of
which evidence is in `plots` and `rollout_plots`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import jinja2

from shared.evidence_page.templates import template_named

INK, GOOD, BAD, GRID = "#1d2733", "#1a7f5a", "#b3372f", "#d7dde4"
_WIDTH, _LETTER = 820, 7.2  # Units of the view box; a letter of a label is seldom wider.
_TOP, _RIGHT, _BOTTOM, _LEGEND = 34, 18, 48, 24
_BARE_TOP, _BARE_BOTTOM = 10, 28  # Without a title, and without the name of an axis.
_LONGEST_LABEL = 50
_TICKS = 6  # About as many on an axis.

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Values from *low* to *high*, where *low* < *high*; *ticks* are values with their names."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]] = ()
    name: str = ""
    is_log: bool = False

    def share(self, value: float) -> float:
        """Where *value* is, from 0 at the low end to 1 at the high one; what lies outside is at its edge."""
        if value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def round_axis(values: Iterable[float], name: str = "", least_step: float = 0.0) -> Axis:
    """An axis with room for all finite *values* and ticks at round ones, which are *least_step* apart or more."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    margin = 0.05 * (high - low) or 0.5 * abs(high) or 0.5
    return ticked(Axis(low=low - margin, high=high + margin, name=name), least_step)


def ticked(axis: Axis, least_step: float = 0.0) -> Axis:
    """*axis* with ticks at round values: 1, 2 or 5 times a power of ten apart."""
    rough = max((axis.high - axis.low) / _TICKS, least_step)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    is_plain = digits <= 6 and max(abs(axis.low), abs(axis.high)) < 1e7
    names = [f"{number * step:.{digits}f}" if is_plain else f"{number * step:.3g}" for number in range(first, last + 1)]
    ticks = tuple((number * step, text) for number, text in zip(range(first, last + 1), names, strict=True))
    return Axis(low=axis.low, high=axis.high, ticks=ticks, name=axis.name)


def row_axis(names: Sequence[str]) -> Axis:
    """The vertical axis of a chart with a named row for each of *names*, the first one on top; row n is at -n."""
    short_names = [name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…" for name in names]
    ticks = tuple((-float(number), name) for number, name in enumerate(short_names))
    return Axis(low=0.4 - len(names), high=0.6, ticks=ticks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A line through *points*, or a dot at each of them where it has a *radius*.

    Its points are values of the axes, and what a drawing has of it in units of the view box.
    """

    points: Sequence[Point]
    colour: str
    width: float = 0.0
    radius: float = 0.0
    dashes: str = ""
    cap: str = "round"

    @property
    def path(self) -> str:
        return " ".join(f"{_figure(x)},{_figure(y)}" for x, y in self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart *height* units high, of 820 in width. What is drawn later covers what was drawn before."""

    title: str
    x: Axis
    y: Axis
    height: float
    _marks: list[_Mark] = field(default_factory=list)
    _legend: list[tuple[str, str]] = field(default_factory=list)

    def line(
        self, points: Iterable[Point], colour: str, width: float = 3.0, dashes: str = "", cap: str = "round"
    ) -> None:
        """A line through *points*; those that are no numbers are left out."""
        self._marks.append(_Mark(points=_numbers(points), colour=colour, width=width, dashes=dashes, cap=cap))

    def dots(self, points: Iterable[Point], colour: str, radius: float = 4.5) -> None:
        self._marks.append(_Mark(points=_numbers(points), colour=colour, radius=radius))

    def upright(self, x: float) -> None:
        """A dotted line at *x* from below to the top."""
        self.line([(x, self.y.low), (x, self.y.high)], INK, 1.4, "1.4 3")

    def level(self, y: float, colour: str) -> None:
        """A dotted line at *y* from the left to the right."""
        self.line([(self.x.low, y), (self.x.high, y)], colour, 1.6, "1.6 3.2")

    def name(self, text: str, colour: str) -> None:
        """Say in the legend that what has *colour* is *text*."""
        self._legend.append((text, colour))

    @property
    def legend(self) -> tuple[tuple[str, str], ...]:
        """What has which colour, for a page that says so beside a bare drawing."""
        return tuple(self._legend)

    def svg(self) -> str:
        """The chart, scaled by its view box."""
        letters = self._letters()
        left = 14 + _LETTER * letters + (22 if self.y.name else 0)
        lower = _BOTTOM + (_LEGEND if self._legend else 0)
        box = _Box(left=left, top=_TOP, right=_WIDTH - _RIGHT, bottom=self.height - lower)
        legend, at = [], left
        for text, colour in self._legend:
            legend.append((_figure(at), text, colour))
            at += 48 + _LETTER * len(text)
        return self._drawn(box, _WIDTH, self.title, self.x.name, self.y.name, legend)

    def bare(self, width: float) -> str:
        """The marks on their axes alone, *width* units wide: the page beside it says everything else."""
        left = 14 + _LETTER * self._letters()
        box = _Box(left=left, top=_BARE_TOP, right=width - _RIGHT, bottom=self.height - _BARE_BOTTOM)
        return self._drawn(box, width)

    def _drawn(
        self,
        box: "_Box",
        width: float,
        title: str = "",
        x_name: str = "",
        y_name: str = "",
        legend: Sequence[tuple[str, str, str]] = (),
    ) -> str:
        def across(value: float) -> float:
            return box.left + self.x.share(value) * (box.right - box.left)

        def down(value: float) -> float:
            return box.bottom - self.y.share(value) * (box.bottom - box.top)

        return _template().render(
            title=self.title,
            shown_title=title,
            width=_figure(width),
            height=_figure(self.height),
            box={"left": _figure(box.left), "top": box.top, "right": _figure(box.right), "bottom": _figure(box.bottom)},
            x_name=x_name,
            y_name=y_name,
            x_ticks=[(_figure(across(value)), text) for value, text in self.x.ticks],
            y_ticks=[(_figure(down(value)), text) for value, text in self.y.ticks],
            marks=[replace(mark, points=[(across(x), down(y)) for x, y in mark.points]) for mark in self._marks],
            legend=legend,
            legend_at=_figure(self.height - 8),
            ink=INK,
            grid=GRID,
        )

    def _letters(self) -> int:
        """How long the longest name of a tick on the left is."""
        return max((len(text) for _, text in self.y.ticks), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """The room for marks in units of the view box: names of ticks and axes are beside it."""

    left: float
    top: float
    right: float
    bottom: float


def _numbers(points: Iterable[Point]) -> list[Point]:
    return [(x, y) for x, y in points if not (math.isnan(x) or math.isnan(y))]


def _figure(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


@cache
def _template() -> jinja2.Template:
    return template_named("chart.svg", figure=_figure)
