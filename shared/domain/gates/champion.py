"""Whether the challenger is better than the champion, decided on the interval of their paired difference."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.domain.counts import counted, least_needed
from shared.domain.gates.evidence import Evaluation
from shared.domain.gates.options import choice, flag, number, parsed_option, texts, whole_number
from shared.domain.gates.registry import gate
from shared.domain.gates.verdict import GateFinding, GateOutcome, failed, inconclusive, passed
from shared.domain.metrics.catalogue import METRICS, PARAMETRISED, MetricError, metric_named
from shared.domain.metrics.paired import Difference, rows_needed
from shared.domain.project_functions import metric_function
from shared.domain.statistics.looks import shared_confidence, spent_confidence

TAIL_LIMIT = 0.2  # Above it, rare large losses decide, and few of them were seen; docs/gate-simulations.md shows it.
_RARE_ROWS = 10  # So many rows with the rarest loss that matters must be expected.
_ROUNDING = 1e-12  # Confidences have been computed in two places.


def _metric_name(value: Any) -> str:
    """Raises ValueError, which says more where a parameter is wrong."""
    try:
        return metric_named(str(value)).name
    except MetricError as error:
        raise ValueError(str(error) if "@" in str(value) or metric_function(str(value)) else "") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class BetterThanChampion:
    """*min_change* is in the metric's unit, or with *relative* a share of the champion's value, and may be negative.

    *confidence* is that of a year of looks at one version of the hold-out. *min_rows*, *min_groups* and *min_cases*
    (rows or groups of the rarest kind that the metric rests on) are the least that is judged; *rarest* is the share of
    rows whose losses matter, however rare.

    On each of *slices* the challenger may lose at most *max_slice_loss* (in the metric's unit): with *slice_rule*
    `no_harm` a slice holds the challenger that is shown to lose more, with `proven` one that is not shown to lose less.
    *at_least* is the value that must be reached, in the metric's direction, whether or not there is a champion;
    *first_model* says what becomes of a model without one.
    """

    metric: str = parsed_option(_metric_name, f"one of {', '.join((*METRICS, *PARAMETRISED))}")
    min_change: float = number(0.0)
    relative: bool = flag(False)
    confidence: float = number(0.95, least=0.5, most=0.9999)
    min_rows: int = whole_number(100, least=1)
    min_groups: int = whole_number(20, least=2)
    min_cases: int = whole_number(10, least=1)
    rarest: float | None = number(None, least=1e-6, most=0.5)
    slices: tuple[str, ...] = texts()
    max_slice_loss: float = number(0.0, least=0.0)
    slice_rule: str = choice("no_harm", among=("no_harm", "proven"))
    first_model: str = choice("fail", among=("pass", "fail"))
    at_least: float | None = number(None)

    @property
    def least_rows(self) -> int:
        """How many rows the whole hold-out must have."""
        return max(self.min_rows, math.ceil(_RARE_ROWS / self.rarest) if self.rarest else 0)

    def overall_confidence(self, evaluation: Evaluation) -> float:
        """That of the interval on the whole hold-out, given which look this is."""
        return spent_confidence(self.confidence, evaluation.look)

    def slice_confidence(self, evaluation: Evaluation) -> float:
        """That of each slice's interval. A slice that may only hold the challenger back shares the confidence with the
        others, so that all together hold an equal one as rarely as one would; one that must prove needs no share.
        """
        if self.slice_rule == "no_harm":
            return shared_confidence(self.confidence, len(self.slices))
        return self.overall_confidence(evaluation)


@gate("evaluation", BetterThanChampion)
def better_than_champion(options: BetterThanChampion, evaluation: Evaluation) -> GateFinding:
    """Is the challenger better than the champion by at least min_change, and nowhere worse than allowed?"""
    shortfall = _below_floor(options, evaluation)
    if shortfall:
        return shortfall
    if not evaluation.champion:
        return _judge_first_model(options, evaluation)
    # The interval decides and not the estimate: of equal models, half have the better estimate. The confidence is that
    # of this look, since each further challenger on the same hold-out is another chance to win by luck.
    confidence = options.overall_confidence(evaluation)
    difference = evaluation.overall(options.metric, confidence)
    if difference is None:
        return failed(f"{options.metric} was not compared with the champion")
    goal = options.min_change * (abs(difference.champion) if options.relative else 1.0)
    return _worst(
        [
            _on_all(_Comparison(scope="overall", difference=difference, goal=goal, confidence=confidence), options),
            *(_on_slice(name, options, evaluation) for name in options.slices),
        ]
    )


def _below_floor(options: BetterThanChampion, evaluation: Evaluation) -> GateFinding | None:
    """A failure where *at_least* is set and not reached."""
    if options.at_least is None:
        return None
    value = evaluation.values.get(options.metric)
    if value is None:
        return failed(f"the challenger's {options.metric} was not measured, so at_least cannot be judged")
    higher = metric_named(options.metric).higher_is_better
    if (value >= options.at_least) if higher else (value <= options.at_least):
        return None
    side = "below" if higher else "above"
    return failed(f"{options.metric} is {value:.6g}, {side} {options.at_least:.6g}", challenger=value)


def _judge_first_model(options: BetterThanChampion, evaluation: Evaluation) -> GateFinding:
    """There is no champion, and the floor, where there is one, was reached."""
    if options.first_model == "fail":
        return failed("there is no champion to compare with, and first_model is fail")
    if options.at_least is None:
        return failed("there is no champion to compare with, and no at_least that a first model must reach")
    if evaluation.rows < options.least_rows:
        reason = f"{counted(evaluation.rows, 'row')}, {least_needed(options.least_rows)}"
        return inconclusive(reason, rows=evaluation.rows)
    # A first model is measured against a fixed floor. An interval would need a champion to be paired with.
    value = evaluation.values[options.metric]
    return passed(
        f"the first model: {options.metric} is {value:.6g} on {counted(evaluation.rows, 'row')}", challenger=value
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """The *difference* on one *scope*, the *goal* that it has to reach, and the *confidence* its interval must have."""

    scope: str
    difference: Difference
    goal: float
    confidence: float

    def __str__(self) -> str:
        difference = self.difference
        return (
            f"{self.scope}: {difference.metric} better by {difference.estimate:.6g}"
            f" [{difference.low:.6g}, {difference.high:.6g}] at {difference.confidence:.6g}, wanted {self.goal:.6g}"
        )

    @property
    def figures(self) -> dict[str, float]:
        difference = self.difference
        groups = {"groups": float(difference.groups)} if difference.groups else {}
        return {
            "estimate": difference.estimate,
            "low": difference.low,
            "high": difference.high,
            "wanted": self.goal,
            "rows": float(difference.n),
            **groups,
        }

    @property
    def unsure(self) -> bool:
        """Whether the interval was computed at a lower confidence than is needed."""
        return self.difference.confidence < self.confidence - _ROUNDING

    def undecided(self, because: str, **figures: float) -> GateFinding:
        return inconclusive(f"{self}; {because}", **self.figures, **figures)


def _on_all(comparison: _Comparison, options: BetterThanChampion) -> GateFinding:
    """The finding on the whole hold-out, on which the challenger must be shown to be better."""
    difference, goal = comparison.difference, comparison.goal
    shortfall = _too_little(comparison, options, options.least_rows)
    if shortfall:
        return shortfall
    if comparison.unsure:
        return comparison.undecided(f"the interval must be computed at confidence {comparison.confidence:.6g}")
    # Two models that answer alike have the interval [0, 0]. It reaches a goal of 0, but a tie proves no improvement.
    if difference.low >= goal and not difference.low == difference.high == goal:
        return _heavy_tail(comparison) or passed(str(comparison), **comparison.figures)
    if difference.high < goal:
        return failed(str(comparison), **comparison.figures)
    return _unclear(comparison)


def _on_slice(name: str, options: BetterThanChampion, evaluation: Evaluation) -> GateFinding:
    confidence = options.slice_confidence(evaluation)
    difference = evaluation.on(name, options.metric, confidence)
    if difference is None:
        return failed(f"slice {name}: {options.metric} was not compared with the champion")
    comparison = _Comparison(
        scope=f"slice {name}", difference=difference, goal=-options.max_slice_loss, confidence=confidence
    )
    shortfall = _too_little(comparison, options, options.min_rows)
    if shortfall:
        return shortfall
    if options.slice_rule == "no_harm":
        return _require_no_harm(comparison)
    if comparison.unsure:
        return comparison.undecided(f"the interval must be computed at confidence {confidence:.6g}")
    if difference.low >= comparison.goal:
        return passed(str(comparison), **comparison.figures)
    return failed(str(comparison), **comparison.figures) if difference.high < comparison.goal else _unclear(comparison)


def _require_no_harm(comparison: _Comparison) -> GateFinding:
    """A pass unless the slice is shown to lose more than is allowed. A wider interval would show no loss either."""
    if comparison.difference.high >= comparison.goal:
        return passed(str(comparison), **comparison.figures)
    if comparison.unsure:
        return comparison.undecided(f"the interval must be computed at confidence {comparison.confidence:.6g}")
    return failed(str(comparison), **comparison.figures)


def _too_little(comparison: _Comparison, options: BetterThanChampion, least_rows: int) -> GateFinding | None:
    """The finding that there are too few rows, groups, or rows of the rarest kind; None if there are enough."""
    difference = comparison.difference
    if difference.n < least_rows:
        return comparison.undecided(f"{counted(difference.n, 'row')}, {least_needed(least_rows)}")
    if 0 < difference.groups < options.min_groups:
        groups = counted(difference.groups, "group of rows", "groups of rows")
        return comparison.undecided(f"{groups}, {least_needed(options.min_groups)}")
    unit = "groups with rows" if difference.groups else "rows"
    for kind, count in difference.support.items():
        if count < options.min_cases:
            least = f"at least {options.min_cases} are needed (min_cases)"
            return comparison.undecided(f"{count} {unit} are {kind}, {least}")
    return None


def _heavy_tail(comparison: _Comparison) -> GateFinding | None:
    """The finding that rare large losses decide and too few of them were seen; None if they do not."""
    difference = comparison.difference
    if difference.tail <= TAIL_LIMIT:
        return None
    units = difference.groups or difference.n
    row_count = max(units + 1, math.ceil(units * (difference.tail / TAIL_LIMIT) ** 2))
    unit = "groups" if difference.groups else "rows"
    because = f"its rare large losses are seen too seldom to count them; about {row_count} {unit} would show enough"
    return comparison.undecided(because, rows_needed=float(row_count), tail=difference.tail)


def _unclear(comparison: _Comparison) -> GateFinding:
    difference = comparison.difference
    row_count = rows_needed(difference, comparison.goal)
    if row_count is None:
        return comparison.undecided("no number of rows would decide at this estimate")
    units, unit = (difference.groups, "groups") if difference.groups else (difference.n, "rows")
    row_count = max(row_count, units + 1)  # The rows at hand did not decide, so fewer cannot.
    return comparison.undecided(f"about {row_count} {unit} would decide", rows_needed=float(row_count))


def _worst(findings: Iterable[GateFinding]) -> GateFinding:
    """The failures, or else what is undecided, or else all that passed; the figures are those of the first of them."""
    all_findings = list(findings)
    for outcome in (GateOutcome.FAIL, GateOutcome.INCONCLUSIVE, GateOutcome.PASS):
        matching = [finding for finding in all_findings if finding.outcome is outcome]
        if matching:
            break
    return GateFinding(outcome, "; ".join(finding.because for finding in matching), matching[0].figures)
