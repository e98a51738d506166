"""How much better a challenger is than the champion on the same hold-out rows, as a confidence interval.

It compares columns that are given; it decides nothing: that is the gates' part.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from shared.domain import bootstrap
from shared.domain.metrics import Column, Family, Metric, MetricError, checked, metric_named
from shared.domain.proportions import score_interval
from shared.domain.ranks import area_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Interval = Callable[[Metric, dict[str, NDArray[Any]], float, int, int], "Difference"]

_MANY = 1e9  # Degrees of freedom that are as good as infinite.
_TRUTH, _CHAMPION, _CHALLENGER = "truth", "champion", "challenger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Challenger against champion in one metric: *estimate*, *low* and *high* are positive where the challenger is
    better, whatever the metric's direction; *champion* and *challenger* are the metric's own values.

    *n* rows took part; *confidence* is two-sided: the truth lies below *low* with a probability of half the rest.
    """

    metric: str
    estimate: float
    low: float
    high: float
    champion: float
    challenger: float
    n: int
    confidence: float
    method: str


def compare(
    metric: str,
    truth: Column,
    champion: Column,
    challenger: Column,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = 1999,
) -> Difference:
    """The paired difference of two columns of predictions for the same rows, in *truth*'s order.

    Means (mae, rmse, r2, log_loss, brier, precision, f1): bootstrap-t. Exact but for chance up to `bootstrap.ATOMS`
    rows; above, the less extreme rows are drawn together from a normal distribution. Accuracy and recall (on the
    positive rows): Tango's score interval. AUC: DeLong with Student's t. Raises MetricError for unfit columns.
    """
    chosen = metric_named(metric)
    if not 0.5 <= confidence < 1:
        raise MetricError(f"confidence {confidence!r} must be at least 0.5 and below 1: 0.95 is usual")
    if resamples < 99:
        raise MetricError(f"resamples {resamples!r} must be at least 99: 1999 is usual")
    columns = checked(chosen, truth=truth, champion=champion, challenger=challenger)
    return _INTERVALS[chosen.family](chosen, columns, confidence, seed, resamples)


def _by_means(
    metric: Metric, columns: "dict[str, NDArray[Any]]", confidence: float, seed: int, resamples: int
) -> Difference:
    import numpy as np

    truth = columns[_TRUTH]
    first, second = (metric.parts(truth, columns[name]) for name in (_CHAMPION, _CHALLENGER))
    rows = np.array([*first, *second, *metric.shared(truth)])
    own, sign = len(first), 1 if metric.higher_is_better else -1

    def difference(means: "NDArray[Any]") -> "NDArray[Any]":
        shared = means[2 * own :]
        gain: NDArray[Any] = metric.formula(*means[own : 2 * own], *shared) - metric.formula(*means[:own], *shared)
        return sign * gain

    if all(np.array_equal(one, other) for one, other in zip(first, second, strict=True)):
        return _difference(metric, columns, (0.0, 0.0), confidence, len(truth), "no row differs")
    low, high = bootstrap.interval(rows, difference, confidence=confidence, seed=seed, resamples=resamples)
    return _difference(metric, columns, (low, high), confidence, len(truth), f"bootstrap-t, {resamples} resamples")


def _by_hits(metric: Metric, columns: "dict[str, NDArray[Any]]", confidence: float, *_: int) -> Difference:
    first, second = (metric.parts(columns[_TRUTH], columns[name])[0] for name in (_CHAMPION, _CHALLENGER))
    gained, lost = int((second > first).sum()), int((first > second).sum())
    ends = score_interval(gained, lost, len(first), confidence)
    return _difference(metric, columns, ends, confidence, len(first), "Tango score")


def _by_ranks(metric: Metric, columns: "dict[str, NDArray[Any]]", confidence: float, *_: int) -> Difference:
    from scipy.special import stdtrit

    areas = area_difference(columns[_TRUTH], columns[_CHAMPION], columns[_CHALLENGER])
    estimate = areas.challenger - areas.champion
    reach = float(stdtrit(min(areas.freedom, _MANY), (1 + confidence) / 2)) * areas.error
    return _difference(
        metric, columns, (estimate - reach, estimate + reach), confidence, len(columns[_TRUTH]), "DeLong, Student's t"
    )


_INTERVALS: "dict[Family, Interval]" = {Family.MEANS: _by_means, Family.HITS: _by_hits, Family.RANKS: _by_ranks}


def _difference(
    metric: Metric,
    columns: "dict[str, NDArray[Any]]",
    ends: tuple[float, float],
    confidence: float,
    n: int,
    method: str,
) -> Difference:
    champion, challenger = (metric.value(columns[_TRUTH], columns[name]) for name in (_CHAMPION, _CHALLENGER))
    return Difference(
        metric=metric.name,
        estimate=challenger - champion if metric.higher_is_better else champion - challenger,
        low=ends[0],
        high=ends[1],
        champion=champion,
        challenger=challenger,
        n=n,
        confidence=confidence,
        method=method,
    )


def rows_needed(difference: Difference, minimum_change: float, *, power: float = 0.8) -> int | None:
    """How many rows would tell the difference from *minimum_change*, with probability *power*, were it the estimate.

    The spread is the observed one: an interval's length falls with the root of the rows. None where no number would do.
    """
    gap = difference.estimate - minimum_change
    reach = difference.estimate - difference.low if gap > 0 else difference.high - difference.estimate
    if gap == 0 or not math.isfinite(gap) or not math.isfinite(reach):
        return None
    normal = NormalDist()
    critical = normal.inv_cdf((1 + difference.confidence) / 2)
    return max(1, math.ceil(difference.n * (reach * (1 + normal.inv_cdf(power) / critical) / gap) ** 2))
