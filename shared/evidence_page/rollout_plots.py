"""Charts of a step of a rollout: shares against weights, odds ratios, and the evidence over time."""

import math
from collections.abc import Sequence

from shared.domain.statistics.sequential.verdicts import ComparisonFigures
from shared.evidence_page.charts import BAD, GOOD, GRID, INK, Axis, Chart, round_axis, row_axis, ticked
from shared.evidence_page.rollout_figures import StepLook

_RATIOS = ((1 / 64, "1/64"), (1 / 16, "1/16"), (1 / 4, "1/4"), (1.0, "1"), (4.0, "4"), (16.0, "16"), (64.0, "64"))
_LOWEST, _HIGHEST = 1 / 64 / 1.2, 64 * 1.2
_LN10 = math.log(10)
_LARGEST = 12.0  # Powers of ten beyond which evidence is drawn at the edge.


def share_plot(looks: Sequence[StepLook]) -> Chart | None:
    """The canary's share in every look beside the weight that was set; None without a look that counted anything."""
    counted = [(number, look) for number, look in enumerate(looks, 1) if look.canary + look.champion]
    if not counted:
        return None
    weights = [look.percent for look in looks]
    shares = [(float(number), 100 * look.canary / (look.canary + look.champion)) for number, look in counted]
    chart = Chart(
        title="Share of the canary in percent (points), and its weight (line)",
        x=_look_axis(len(looks)),
        y=ticked(Axis(low=0.0, high=1.2 * max(*weights, *(share for _, share in shares), 1.0))),
        height=240,
    )
    for number, weight in enumerate(weights, 1):  # A line for each look: a step of one look has one too.
        chart.line([(number - 0.5, weight), (number + 0.5, weight)], GRID, 5.5, cap="butt")
    chart.dots(shares, INK, 3.6)
    return chart


def odds_plot(comparisons: Sequence[ComparisonFigures]) -> Chart | None:
    """Each comparison's odds ratio with its confidence sequence, and the margin; None where none says anything."""
    rows = [
        (comparison, estimate) for comparison in comparisons if (estimate := comparison.odds_ratio.estimate) is not None
    ]
    if not rows:
        return None
    name = "odds of being bad, canary to champion (the bar is the margin)"
    chart = Chart(
        title="Odds ratio with its confidence sequence",
        x=Axis(low=_LOWEST, high=_HIGHEST, ticks=_RATIOS, name=name, is_log=True),
        y=row_axis([comparison.name for comparison, _ in rows]),
        height=110 + 45 * len(rows),
    )
    chart.upright(1)
    for number, (comparison, estimate) in enumerate(rows):
        ratio, row = comparison.odds_ratio, -float(number)
        high = math.inf if ratio.high is None else ratio.high  # An end that is open is drawn at the edge.
        colour = BAD if ratio.low > comparison.tolerated else GOOD if high < comparison.margin else INK
        chart.line([(ratio.low, row), (high, row)], colour, 3.5)
        chart.dots([(estimate, row)], colour)
        chart.line([(comparison.margin, row - 0.25), (comparison.margin, row + 0.25)], INK, 1.6, cap="butt")
    return chart


def evidence_plot(looks: Sequence[StepLook], abort_at: float, clear_at: float) -> Chart | None:
    """The e-values by look, as powers of ten, with the values that abort and clear; None without looks."""
    if not looks:
        return None
    curves = (  # The first line is the wider one: it shows where both are equal.
        ("that the canary is worse", [_power(look.worse) for look in looks], abort_at / _LN10, BAD, 4.5),
        ("that nothing is worse by its margin", [_power(look.better) for look in looks], clear_at / _LN10, GOOD, 2.2),
    )
    powers = [power for _, of_curve, level, _, _ in curves for power in (*of_curve, level)]
    chart = Chart(
        title="Evidence over time; a dotted line decides",
        x=_look_axis(len(looks)),
        y=round_axis(powers, "power of ten"),
        height=340,
    )
    for name, _, _, colour, _ in curves:
        chart.name(name, colour)
    for _, of_curve, level, colour, width in curves:
        points = [(float(number), power) for number, power in enumerate(of_curve, 1)]
        chart.line(points, colour, width)
        chart.dots(points, colour, 1.2 + width / 1.6)
        chart.level(level, colour)
    return chart


def _look_axis(looks: int) -> Axis:
    return ticked(Axis(low=0.5, high=looks + 0.5, name="look"), least_step=1.0)


def _power(log: float) -> float:
    return max(-_LARGEST, min(_LARGEST, log / _LN10))
