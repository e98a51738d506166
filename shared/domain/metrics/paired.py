"""How much better a challenger is than the champion on the same hold-out rows, as a confidence interval.

It compares columns that are given; it decides nothing: that is the gates' part.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from shared.domain.metrics.catalogue import (
    Column,
    Family,
    Metric,
    MetricError,
    check_columns,
    metric_named,
    require_groups,
)
from shared.domain.statistics import bootstrap
from shared.domain.statistics.distributions import student_quantile
from shared.domain.statistics.groups import design_effect, group_codes, group_totals
from shared.domain.statistics.influence import InfluenceOf, influence_reach
from shared.domain.statistics.proportions import score_interval
from shared.domain.statistics.ranks import area_difference, area_influence
from shared.domain.statistics.support import support_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST, _MOST = 1999, 19_999  # Resamples: enough for 0.95, and what a minute allows of a million rows.
_MANY = 1e9  # Degrees of freedom that are as good as infinite.
_TRUTH, _CHAMPION, _CHALLENGER = "truth", "champion", "challenger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Challenger against champion in one metric: *estimate*, *low* and *high* are positive where the challenger is
    better, whatever the metric's direction; *champion* and *challenger* are the metric's own values.

    *n* rows took part, in *groups* groups (0: each row by itself), of which *support* counts those of the kinds that
    the metric rests on, and *tail* is how much the estimate rests on rare large losses (`bootstrap.tail_weight`);
    *confidence* is two-sided: the truth lies below *low* with a probability of half the rest.
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
    groups: int = 0
    support: dict[str, int] = field(default_factory=dict)
    tail: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is compared, at which *confidence*; *groups* are the codes of the rows' groups, None for single rows."""

    metric: Metric
    columns: "dict[str, NDArray[Any]]"
    groups: "NDArray[Any] | None"
    confidence: float
    seed: int
    resamples: int

    @property
    def truth(self) -> "NDArray[Any]":
        return self.columns[_TRUTH]

    @property
    def models(self) -> "tuple[NDArray[Any], NDArray[Any]]":
        return self.columns[_CHAMPION], self.columns[_CHALLENGER]

    @property
    def sign(self) -> int:
        return 1 if self.metric.higher_is_better else -1

    @property
    def among(self) -> str:
        """How a method is called that counts groups."""
        return "" if self.groups is None else " of groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """The ends of an interval, of *n* rows and by which *method*; *tail* as of a difference."""

    low: float
    high: float
    n: int
    method: str
    tail: float = 0.0


def compare(
    metric: str,
    truth: Column,
    champion: Column,
    challenger: Column,
    *,
    groups: Column | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = 1999,
) -> Difference:
    """The paired difference of two columns of predictions for the same rows, in *truth*'s order.

    *groups* says for each row which group it belongs to: groups are then what is resampled and counted. The metric
    says how its interval is computed (docs/gates.md has the table). Raises MetricError for unfit columns.
    """
    metric_rule = metric_named(metric)
    if not 0.5 <= confidence < 1:
        raise MetricError(f"confidence {confidence!r} must be at least 0.5 and below 1: 0.95 is usual")
    if resamples < 99:
        raise MetricError(f"resamples {resamples!r} must be at least 99: 1999 is usual")
    columns = check_columns(metric_rule, truth=truth, champion=champion, challenger=challenger)
    codes = None if groups is None else group_codes(groups)
    if codes is not None and len(codes) != len(columns[_TRUTH]):
        raise MetricError(f"{metric}: groups has {len(codes)} values for {len(columns[_TRUTH])} rows: give one a row")
    question = _Question(
        metric=metric_rule, columns=columns, groups=codes, confidence=confidence, seed=seed, resamples=resamples
    )
    return _difference(question, _INTERVALS[metric_rule.family](question))


def _by_means(question: _Question) -> _Answer:
    """Bootstrap-t of a formula over means. Exact but for chance up to `bootstrap.ATOMS` rows or groups.

    The mean over rows is the mean of the groups' sums over the mean of their sizes, so with groups the formula is one
    over means again: of independent groups.
    """
    import numpy as np

    metric, truth = question.metric, question.truth
    first, second = (metric.parts(truth, model) for model in question.models)
    rows = np.array([*first, *second, *metric.truth_parts(truth)])
    own = len(first)

    def difference(means: "NDArray[Any]") -> "NDArray[Any]":
        truth_means = means[2 * own :]
        gain: NDArray[Any] = metric.formula(*means[own : 2 * own], *truth_means) - metric.formula(
            *means[:own], *truth_means
        )
        return question.sign * gain

    def over_groups(means: "NDArray[Any]") -> "NDArray[Any]":
        return difference(means[:-1] / means[-1])

    if all(np.array_equal(first_part, second_part) for first_part, second_part in zip(first, second, strict=True)):
        return _Answer(low=0.0, high=0.0, n=len(truth), method="no row differs")
    if question.groups is None:
        return _bootstrap(question, rows, difference)
    totals = group_totals(np.vstack([rows, np.ones(len(truth))]), question.groups)
    return _bootstrap(question, totals, over_groups)


def _by_queries(question: _Question) -> _Answer:
    """Bootstrap-t of a mean over groups, which are queries."""
    import numpy as np

    metric, queries = question.metric, require_groups(question.metric, question.groups)
    assert metric.by_query is not None
    first, second = (metric.by_query(question.truth, model, queries) for model in question.models)
    if np.array_equal(first, second):
        return _Answer(low=0.0, high=0.0, n=len(queries), method="no query differs")
    return _bootstrap(question, (second - first)[None, :], lambda means: means[0])


def _bootstrap(question: _Question, rows: "NDArray[Any]", formula: bootstrap.Formula) -> _Answer:
    bounds = bootstrap.interval(
        rows, formula, confidence=question.confidence, seed=question.seed, resamples=question.resamples
    )
    method = f"bootstrap-t{question.among}, {question.resamples} resamples"
    return _Answer(low=bounds.low, high=bounds.high, n=len(question.truth), method=method, tail=bounds.tail)


def _by_hits(question: _Question) -> _Answer:
    """Tango's score interval; with groups of counts divided by the design effect, and Student's t."""
    truth, members = question.truth, slice(None)
    if question.metric.positives_only:
        members = truth == 1
    first, second = (question.metric.parts(truth[members], model[members])[0] for model in question.models)
    gain = second - first
    gains, losses, n = float((gain > 0).sum()), float((gain < 0).sum()), len(gain)
    if question.groups is None:
        low, high = score_interval(gains, losses, n, question.confidence)
        return _Answer(low=low, high=high, n=n, method="Tango score")
    codes = group_codes(question.groups[members])
    effect = design_effect(gain, codes)
    low, high = score_interval(
        gains / effect, losses / effect, n / effect, question.confidence, freedom=max(1, int(codes.max()))
    )
    return _Answer(low=low, high=high, n=n, method=f"Tango score of groups, design effect {effect:.3g}")


def _by_ranks(question: _Question) -> _Answer:
    """DeLong with Student's t; with groups Obuchowski's variance."""
    if question.groups is not None:
        return _by_pulls(question, area_influence, "Obuchowski")
    areas = area_difference(question.truth, *question.models)
    estimate = areas.challenger - areas.champion
    reach = student_quantile(min(areas.freedom, _MANY), (1 + question.confidence) / 2) * areas.error
    return _around(question, estimate, reach, "DeLong, Student's t")


def _by_influence(question: _Question) -> _Answer:
    assert question.metric.influence is not None
    return _by_pulls(question, question.metric.influence, "influence")


def _by_pulls(question: _Question, influence: InfluenceOf, name: str) -> _Answer:
    """Student's t from what each row, or group of rows, contributes to the difference."""
    first, second = (influence(question.truth, model) for model in question.models)
    pulls = second.rows - first.rows
    if question.groups is not None:
        pulls = group_totals(pulls[None, :], question.groups)[0]
    reach = influence_reach(pulls, len(question.truth), question.confidence)
    estimate = question.sign * (second.value - first.value)
    return _around(question, estimate, reach, f"{name}{question.among}, Student's t")


def _around(question: _Question, estimate: float, reach: float, method: str) -> _Answer:
    """*reach* to either side. Where predictions differ and nothing varies, what may have stayed unseen is the reach:
    the share that so many rows miss with the probability that the confidence allows.
    """
    import numpy as np

    n = len(question.truth)
    if reach == 0:
        if np.array_equal(*question.models):
            return _Answer(low=0.0, high=0.0, n=n, method="no row differs")
        support = support_of(question.metric, question.columns, question.groups)
        rests_on = min(support.values(), default=n)
        reach = 1 - ((1 - question.confidence) / 2) ** (1 / max(1, rests_on))
        method = "nothing varies: the share that may be unseen"
    return _Answer(low=estimate - reach, high=estimate + reach, n=n, method=method)


_INTERVALS: dict[Family, Callable[[_Question], _Answer]] = {
    Family.MEANS: _by_means,
    Family.HITS: _by_hits,
    Family.RANKS: _by_ranks,
    Family.INFLUENCE: _by_influence,
    Family.QUERIES: _by_queries,
}


def _difference(question: _Question, answer: _Answer) -> Difference:
    """The ends stay within what the metric's bounds allow a difference to be."""
    metric = question.metric
    champion, challenger = (metric.value(question.truth, model, question.groups) for model in question.models)
    widest = metric.bounds[1] - metric.bounds[0]
    return Difference(
        metric=metric.name,
        estimate=question.sign * (challenger - champion),
        low=max(answer.low, -widest),
        high=min(answer.high, widest),
        champion=champion,
        challenger=challenger,
        n=answer.n,
        confidence=question.confidence,
        method=answer.method,
        groups=0 if question.groups is None else int(question.groups.max()) + 1,
        support=support_of(metric, question.columns, question.groups),
        tail=answer.tail,
    )


def resamples_for(confidence: float) -> int:
    """So many that about ten resamples lie beyond each end of an interval, within what time allows."""
    return min(_MOST, max(_FEWEST, math.ceil(20 / (1 - confidence))))


def rows_needed(difference: Difference, minimum_change: float, *, power: float = 0.8) -> int | None:
    """How many rows would tell the difference from *minimum_change*, with probability *power*, were it the estimate;
    of a difference with groups, how many groups.

    The spread is the observed one: an interval's length falls with the root of the rows. None where no number would do.
    """
    gap = difference.estimate - minimum_change
    reach = difference.estimate - difference.low if gap > 0 else difference.high - difference.estimate
    if gap == 0 or not math.isfinite(gap) or not math.isfinite(reach):
        return None
    normal = NormalDist()
    critical = normal.inv_cdf((1 + difference.confidence) / 2)
    return max(
        1, math.ceil((difference.groups or difference.n) * (reach * (1 + normal.inv_cdf(power) / critical) / gap) ** 2)
    )
