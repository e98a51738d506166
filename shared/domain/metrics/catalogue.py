"""Row-level metrics of predictions, each with its direction and the family its interval comes from.

A metric is a formula over means of row-level parts, so that it can be resampled from those means.
It computes no interval and guesses nothing: a missing prediction is an error.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.domain.metrics import classes as class_metrics
from shared.domain.metrics.ranking import ndcg_by_query
from shared.domain.project_functions import metric_function
from shared.domain.statistics.influence import InfluenceOf
from shared.domain.statistics.ranks import average_precision, placements

if TYPE_CHECKING:
    from numpy.typing import NDArray

Column = Any  # Anything numpy can make one column of.
Parts = Callable[["NDArray[Any]", "NDArray[Any]"], tuple["NDArray[Any]", ...]]
PARAMETRISED = ("pinball@QUANTILE", "ndcg@PLACES")
_SURE = 1e-15  # Clips probabilities away from 0 and 1: else one sure mistake makes the loss infinite.
_SUM_TOLERANCE = 1e-4  # How far the probabilities of a row may be from 1 together: they may come as text of few digits.


class MetricError(ValueError):
    """The columns cannot be measured; the message names the column, what is wrong, how often, and the remedy."""


class Family(StrEnum):
    """Which kind of interval suits the metric's difference."""

    MEANS = "means"  # A smooth formula over means: the bootstrap.
    HITS = "hits"  # A share of rows that are right: a score interval.
    RANKS = "ranks"  # A U-statistic: DeLong.
    INFLUENCE = "influence"  # No formula over a few means: what each row contributes.
    QUERIES = "queries"  # A mean over the groups of rows: the bootstrap of groups.


class Scale(StrEnum):
    """What the columns hold."""

    NUMBERS = "numbers"
    LABELS = "labels"  # Anything that compares equal, of any number of classes.
    CLASSES = "classes"  # 0 and 1, predicted as 0 or 1.
    PROBABILITIES = "probabilities"  # 0 and 1, predicted as a probability of 1.
    SCORES = "scores"  # 0 and 1, predicted as any number that rises with the probability of 1.
    DISTRIBUTIONS = "distributions"  # The number of a class from 0, predicted as one probability for each class.
    RELEVANCE = "relevance"  # Numbers from 0 by how much a row is wanted, predicted as any number that rises with it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """*parts* are row-level columns of one model, *truth_parts* those of the truth alone; *formula* takes their means.

    Without *parts* the metric has an *influence* of its own, or a value *by_query*. Its values lie within *bounds*.
    Where *positives_only* is set, rows whose truth is not 1 take no part.
    """

    name: str
    higher_is_better: bool
    family: Family
    scale: Scale
    parts: Parts = lambda *_: ()
    formula: Callable[..., Any] = lambda mean: mean
    truth_parts: Callable[["NDArray[Any]"], tuple["NDArray[Any]", ...]] = lambda _: ()
    influence: InfluenceOf | None = None
    by_query: Callable[["NDArray[Any]", "NDArray[Any]", "NDArray[Any]"], "NDArray[Any]"] | None = None
    bounds: tuple[float, float] = (-math.inf, math.inf)
    positives_only: bool = False
    of_project: bool = (
        False  # Its predictions are replaced by what each row contributes, as the project's function says.
    )

    def value(self, truth: "NDArray[Any]", predictions: "NDArray[Any]", groups: "NDArray[Any] | None" = None) -> float:
        """The metric of checked columns; *groups* are the codes of the queries of a metric of queries."""
        if self.influence is not None:
            return self.influence(truth, predictions).value
        if self.by_query is not None:
            return float(self.by_query(truth, predictions, require_groups(self, groups)).mean())
        if self.positives_only:
            predictions, truth = predictions[truth == 1], truth[truth == 1]
        columns = (*self.parts(truth, predictions), *self.truth_parts(truth))
        return float(self.formula(*(column.mean() for column in columns)))


def require_groups(metric: Metric, groups: "NDArray[Any] | None") -> "NDArray[Any]":
    """*groups*; raises MetricError where there are none."""
    if groups is None:
        raise MetricError(f"{metric.name} compares rows within a query: name its column as `group` of the hold-out")
    return groups


def metric_named(name: str) -> Metric:
    """The metric called *name*, a parameter after an @ (`pinball@0.9`, `ndcg@10`), or the project's own
    (`rules/metrics.py:cost@lower`); raises MetricError naming those there are.
    """
    if name in METRICS:
        return METRICS[name]
    kind, _, parameter = name.partition("@")
    if kind == "pinball":
        return _pinball(name, parameter)
    if kind == "ndcg" and parameter:
        return _ndcg(name, parameter)
    if function := metric_function(name):
        return _of_project(name, function, parameter)
    raise MetricError(f"metric {name!r} is not known: use one of {', '.join((*METRICS, *PARAMETRISED))}")


def value_of(name: str, truth: Column, predictions: Column, groups: "NDArray[Any] | None" = None) -> float:
    """The metric called *name* of columns as they come; raises MetricError where they are not fit."""
    metric = metric_named(name)
    columns = check_columns(metric, truth=truth, predicted=predictions)
    return metric.value(columns["truth"], columns["predicted"], groups)


def check_columns(metric: Metric, **columns: Column) -> dict[str, "NDArray[Any]"]:
    """The *columns* (the one called truth among them) as arrays of one length; MetricError where they are not fit."""
    import numpy as np

    labels = metric.scale is Scale.LABELS
    arrays = {name: np.asarray(column, dtype=None if labels else np.float64) for name, column in columns.items()}
    rows = len(arrays["truth"])
    for name, array in arrays.items():
        if metric.scale is Scale.DISTRIBUTIONS and name != "truth":
            _require_distributions(metric, name, array, arrays["truth"])
            continue
        require_whole(metric.name, name, array, rows)
        if name == "truth":
            _require_truth(metric, name, array)
        elif metric.scale is Scale.CLASSES:
            _within(metric, name, (array == 0) | (array == 1), "0 or 1")
        elif metric.scale is Scale.PROBABILITIES:
            _within(metric, name, (array >= 0) & (array <= 1), "from 0 to 1")
    return arrays


def require_whole(subject: str, name: str, array: "NDArray[Any]", rows: int) -> None:
    """Raises MetricError unless *array* is one column of *rows* rows and every one of them has a finite value."""
    import numpy as np

    if array.ndim != 1 or len(array) != rows or rows == 0:
        raise MetricError(f"{subject}: {name} has shape {array.shape}, it needs ({max(rows, 1)},)")
    absent = array == None if array.dtype == object else np.zeros(rows, dtype=bool)  # noqa: E711  # For each element.
    number = array.dtype.kind in "fO"
    missing = int(((array != array) | absent).sum()) if number else 0
    infinite = int(np.isinf(array).sum()) if array.dtype.kind == "f" else 0
    if missing or infinite:
        counts = f"{missing} missing and {infinite} infinite values in {rows} rows"
        raise MetricError(f"{subject}: {name} has {counts}: score every row before comparing")


def _require_truth(metric: Metric, name: str, array: "NDArray[Any]") -> None:
    import numpy as np

    if metric.name == "mape":
        zeros = int((array == 0).sum())
        if zeros:
            remedy = "a share of 0 is not defined; use smape or mae"
            raise MetricError(f"mape: {zeros} of {len(array)} values of {name} are 0: {remedy}")
    elif metric.name in ("balanced_accuracy", "mcc", "macro_f1") and len(np.unique(array)) < 2:
        raise MetricError(f"{metric.name}: every row of {name} is {array[0]}: give rows of several classes")
    elif metric.scale is Scale.RELEVANCE:
        _within(metric, name, array >= 0, "0 or more")
    elif metric.scale is Scale.DISTRIBUTIONS:
        _within(metric, name, (array >= 0) & (array == np.floor(array)), "the number of a class from 0")
    elif metric.scale in (Scale.CLASSES, Scale.PROBABILITIES, Scale.SCORES):
        _within(metric, name, (array == 0) | (array == 1), "0 or 1")
        if array.min() == array.max() and metric.scale is not Scale.PROBABILITIES:
            raise MetricError(f"{metric.name}: every row of {name} is {array[0]:g}: give rows of both classes")


def _require_distributions(metric: Metric, name: str, array: "NDArray[Any]", truth: "NDArray[Any]") -> None:
    """Raises MetricError unless every row of *array* is one probability for each class, which sum to 1."""
    import numpy as np

    rows, classes = len(truth), int(truth.max()) + 1
    if array.ndim != 2 or len(array) != rows or array.shape[1] < classes:
        shape = f"({rows}, at least {classes}): one probability for each class"
        raise MetricError(f"{metric.name}: {name} has shape {array.shape}, it needs {shape}")
    for number in range(array.shape[1]):
        require_whole(metric.name, f"{name}, class {number}", array[:, number], rows)
    _within(metric, name, ((array >= 0) & (array <= 1)).all(axis=1), "from 0 to 1")
    _within(metric, name, np.abs(array.sum(axis=1) - 1) <= _SUM_TOLERANCE, "probabilities that sum to 1")


def _within(metric: Metric, name: str, fits: Any, requirement: str) -> None:
    outside = int((~fits).sum())
    if outside:
        raise MetricError(
            f"{metric.name}: {outside} of {len(fits)} values of {name} are not {requirement}: convert them"
        )


def _pinball(name: str, parameter: str) -> Metric:
    """The loss of a predicted quantile: raises MetricError where *parameter* is no share."""
    try:
        quantile = float(parameter)
    except ValueError:
        quantile = math.nan
    if not 0 < quantile < 1:
        raise MetricError(f"metric {name!r} needs a quantile between 0 and 1: write pinball@0.9")

    def parts(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
        import numpy as np

        short = truth - predictions
        return (np.where(short >= 0, quantile * short, (quantile - 1) * short),)

    return _metric(name, Scale.NUMBERS, parts, higher_is_better=False)


def _ndcg(name: str, parameter: str) -> Metric:
    """Of the first *parameter* places of each query, or of all: raises MetricError where it is no whole number."""
    if parameter and (not parameter.isdecimal() or int(parameter) < 1):
        raise MetricError(f"metric {name!r} needs a number of places from 1: write ndcg@10")
    depth = int(parameter) if parameter else None

    def by_query(truth: "NDArray[Any]", scores: "NDArray[Any]", queries: "NDArray[Any]") -> "NDArray[Any]":
        return ndcg_by_query(truth, scores, queries, depth)

    options: dict[str, Any] = {"family": Family.QUERIES, "by_query": by_query, "bounds": (0.0, 1.0)}
    return _metric(name, Scale.RELEVANCE, **options)


def _of_project(name: str, function: str, better: str) -> Metric:
    """The mean of what each row contributes: raises MetricError where the direction is not said."""
    if better not in ("higher", "lower"):
        raise MetricError(f"metric {name!r} needs its direction: write {function}@higher or {function}@lower")
    options: dict[str, Any] = {"higher_is_better": better == "higher", "of_project": True}
    return _metric(name, Scale.NUMBERS, lambda _, contributions: (contributions,), **options)


def _absolute_error(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return (abs(predictions - truth),)


def _squared_error(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return ((predictions - truth) ** 2,)


def _log_loss(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    import numpy as np

    probability = np.where(truth == 1, predictions, 1 - predictions)
    return (-np.log(np.clip(probability, _SURE, 1 - _SURE)),)


def _hits(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return ((truth == predictions).astype(float),)


def _multiclass_log_loss(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    import numpy as np

    of_truth = predictions[np.arange(len(truth)), truth.astype(np.int64)] / predictions.sum(axis=1)
    return (-np.log(np.clip(of_truth, _SURE, 1 - _SURE)),)


def _relative_error(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return (abs((predictions - truth) / truth),)


def _symmetric_error(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    """From 0 to 2; 0 where truth and prediction are both 0."""
    import numpy as np

    size = abs(truth) + abs(predictions)
    return (2 * abs(predictions - truth) / np.where(size > 0, size, 1),)


def _positives(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    """True positives, and positive predictions."""
    return truth * predictions, predictions


def _auc_parts(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return (placements(predictions[truth == 1], predictions[truth == 0]),)


def _moments(truth: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    # Rounding may give equal numbers a spread above 0, since their mean may differ from them: so compare the extremes.
    if truth.min() == truth.max():
        raise MetricError(f"r2: every row of truth is {truth[0]:g}: give rows that differ, or use another metric")
    deviations = truth - truth.mean()
    return deviations, deviations**2


def _root(mean: Any) -> Any:
    import numpy as np

    return np.sqrt(np.maximum(mean, 0))


def _r2(error: Any, first: Any, second: Any) -> Any:
    return 1 - error / (second - first**2)


def _f1(true: Any, predictions: Any, positive: Any) -> Any:
    return _ratio(2 * true, predictions + positive)


def _ratio(above: Any, below: Any) -> Any:
    """0 where *below* is 0: the custom for precision without a positive prediction."""
    import numpy as np

    return np.where(below > 0, above, 0) / np.where(below > 0, below, 1)


def _metric(name: str, scale: Scale, parts: Parts | None = None, formula: Any = None, **options: Any) -> Metric:
    if parts is not None:
        options["parts"] = parts
    if formula is not None:
        options["formula"] = formula
    plain: dict[str, Any] = {"family": Family.MEANS, "higher_is_better": True}
    return Metric(name=name, scale=scale, **plain | options)


_LOWER: dict[str, Any] = {"higher_is_better": False}
_SHARE: dict[str, Any] = {"bounds": (0.0, 1.0)}
_OF_CLASSES: dict[str, Any] = {"family": Family.INFLUENCE} | _SHARE

METRICS = {
    metric.name: metric
    for metric in (
        _metric("mae", Scale.NUMBERS, _absolute_error, **_LOWER),
        _metric("rmse", Scale.NUMBERS, _squared_error, _root, **_LOWER),
        _metric("r2", Scale.NUMBERS, _squared_error, _r2, truth_parts=_moments),
        _metric("mape", Scale.NUMBERS, _relative_error, **_LOWER),
        _metric("smape", Scale.NUMBERS, _symmetric_error, bounds=(0.0, 2.0), **_LOWER),
        _metric("log_loss", Scale.PROBABILITIES, _log_loss, **_LOWER),
        _metric("brier", Scale.PROBABILITIES, _squared_error, **_LOWER | _SHARE),
        _metric("multiclass_log_loss", Scale.DISTRIBUTIONS, _multiclass_log_loss, **_LOWER),
        _metric("accuracy", Scale.LABELS, _hits, family=Family.HITS, **_SHARE),
        _metric("recall", Scale.CLASSES, _hits, family=Family.HITS, positives_only=True, **_SHARE),
        _metric("precision", Scale.CLASSES, _positives, _ratio, **_SHARE),
        _metric("f1", Scale.CLASSES, _positives, _f1, truth_parts=lambda truth: (truth,), **_SHARE),
        _metric("macro_f1", Scale.LABELS, influence=class_metrics.macro_f1, **_OF_CLASSES),
        _metric("weighted_f1", Scale.LABELS, influence=class_metrics.weighted_f1, **_OF_CLASSES),
        _metric("balanced_accuracy", Scale.LABELS, influence=class_metrics.balanced_accuracy, **_OF_CLASSES),
        _metric("mcc", Scale.LABELS, influence=class_metrics.matthews, **_OF_CLASSES | {"bounds": (-1.0, 1.0)}),
        _metric("auc", Scale.SCORES, _auc_parts, family=Family.RANKS, **_SHARE),
        _metric("average_precision", Scale.SCORES, influence=average_precision, **_OF_CLASSES),
        _ndcg("ndcg", ""),
    )
}
