"""Plots of a step of a rollout as SVG text: shares against weights, odds ratios, and the evidence over time."""

import math
from collections.abc import Sequence
from typing import Any

from shared.domain.statistics.sequential.verdicts import ComparisonFigures
from shared.evidence_page.plots import BAD, GOOD, GRID, INK, new_figure, svg_text
from shared.evidence_page.rollout_figures import StepLook

_RATIOS = (1 / 64, 1 / 16, 1 / 4, 1.0, 4.0, 16.0, 64.0)
_RATIO_NAMES = ("1/64", "1/16", "1/4", "1", "4", "16", "64")
_LN10 = math.log(10)
_LARGEST = 12.0  # Powers of ten beyond which evidence is drawn at the edge.


def share_plot(looks: Sequence[StepLook]) -> str:
    """The canary's share in every look beside the weight that was set; empty without a look that counted anything."""
    counted = [(number, look) for number, look in enumerate(looks, 1) if look.canary + look.champion]
    if not counted:
        return ""
    figure, axes = new_figure(2.4)
    weights = [look.percent for look in looks]
    for number, weight in enumerate(weights, 1):  # A line for each look: a step of one look has one too.
        axes.plot([number - 0.5, number + 0.5], [weight, weight], color=GRID, linewidth=4, solid_capstyle="butt")
    shares = [100 * look.canary / (look.canary + look.champion) for _, look in counted]
    axes.plot([number for number, _ in counted], shares, "o", color=INK, markersize=5)
    axes.set_ylim(0, 1.2 * max(*weights, *shares))
    _name_looks(axes, len(looks))
    axes.set_title("Share of the canary in percent (points), and its weight (line)", loc="left", fontsize=11, color=INK)
    return svg_text(figure)


def odds_plot(comparisons: Sequence[ComparisonFigures]) -> str:
    """Each comparison's odds ratio with its confidence sequence, and the margin; empty where none says anything."""
    rows = [comparison for comparison in comparisons if comparison.odds_ratio.estimate is not None]
    if not rows:
        return ""
    figure, axes = new_figure(1.1 + 0.45 * len(rows), [comparison.name for comparison in reversed(rows)])
    for height, comparison in enumerate(reversed(rows)):
        ratio = comparison.odds_ratio
        low, high = _inside(ratio.low), _inside(ratio.high)
        colour = BAD if ratio.low > comparison.tolerated else GOOD if high < comparison.margin else INK
        axes.plot([low, high], [height, height], color=colour, linewidth=2.5, solid_capstyle="round")
        axes.plot([_inside(ratio.estimate)], [height], "o", color=colour, markersize=6)
        axes.plot([comparison.margin], [height], "|", color=INK, markersize=16)
    axes.axvline(1, color=INK, linewidth=1, linestyle=":")
    axes.set_xscale("log", base=2)
    axes.set_xlim(_RATIOS[0] / 1.2, _RATIOS[-1] * 1.2)
    axes.set_xticks(_RATIOS, _RATIO_NAMES)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("odds of being bad, canary to champion (the bar is the margin)", color=INK)
    axes.set_title("Odds ratio with its confidence sequence", loc="left", fontsize=11, color=INK)
    return svg_text(figure)


def evidence_plot(looks: Sequence[StepLook], abort_at: float, clear_at: float) -> str:
    """The e-values by look, as powers of ten, with the values that abort and clear; empty without looks."""
    if not looks:
        return ""
    figure, axes = new_figure(3.4, left=7)
    numbers = range(1, len(looks) + 1)
    for name, logs, level, colour, width in (  # The first line is the wider one: it shows where both are equal.
        ("that the canary is worse", [look.worse for look in looks], abort_at, BAD, 3.0),
        ("that nothing is worse by its margin", [look.better for look in looks], clear_at, GOOD, 1.5),
    ):
        powers = [_power(log) for log in logs]
        axes.plot(numbers, powers, "-o", color=colour, markersize=2 + width, linewidth=width, label=name)
        axes.axhline(level / _LN10, color=colour, linewidth=1.2, linestyle=":")
    _name_looks(axes, len(looks))
    axes.set_ylabel("power of ten", color=INK)
    figure.subplots_adjust(bottom=0.26)  # The legend has its place below the axes: no line runs through it there.
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, borderaxespad=0)
    axes.set_title("Evidence over time; a dotted line decides", loc="left", fontsize=11, color=INK)
    return svg_text(figure)


def _name_looks(axes: Any, looks: int) -> None:
    axes.set_xlabel("look", color=INK)
    axes.set_xlim(0.5, looks + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def _power(log: float) -> float:
    return max(-_LARGEST, min(_LARGEST, log / _LN10))


def _inside(ratio: float | None) -> float:
    """*ratio* on the axis: an end that is open is drawn at its edge."""
    return _RATIOS[-1] * 1.2 if ratio is None else max(_RATIOS[0] / 1.2, min(_RATIOS[-1] * 1.2, ratio))
