"""Row-level metrics of predictions, each with its direction and the family its interval comes from.

A metric is a formula over means of row-level parts, so that it can be resampled from those means.
It computes no interval and guesses nothing: a missing prediction is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.domain.ranks import placements

if TYPE_CHECKING:
    from numpy.typing import NDArray

Column = Any  # Anything numpy can make one column of.
Parts = Callable[["NDArray[Any]", "NDArray[Any]"], tuple["NDArray[Any]", ...]]
_SURE = 1e-15  # Probabilities are clipped this far from 0 and 1, as is the custom for the log loss.


class MetricError(ValueError):
    """The columns cannot be measured; the message names the column, what is wrong, how often, and the remedy."""


class Family(StrEnum):
    """Which kind of interval suits the metric's difference."""

    MEANS = "means"  # A smooth formula over means: the bootstrap.
    HITS = "hits"  # A share of rows that are right: a score interval.
    RANKS = "ranks"  # A U-statistic: DeLong.


class Scale(StrEnum):
    """What the columns hold."""

    NUMBERS = "numbers"
    LABELS = "labels"  # Anything that compares equal, of any number of classes.
    CLASSES = "classes"  # 0 and 1, predicted as 0 or 1.
    PROBABILITIES = "probabilities"  # 0 and 1, predicted as a probability of 1.
    SCORES = "scores"  # 0 and 1, predicted as any number that rises with the probability of 1.


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """*parts* are row-level columns of one model, *shared* those of the truth alone; *formula* takes their means."""

    name: str
    higher_is_better: bool
    family: Family
    scale: Scale
    parts: Parts
    formula: Callable[..., Any]
    shared: Callable[["NDArray[Any]"], tuple["NDArray[Any]", ...]] = lambda _: ()

    def value(self, truth: "NDArray[Any]", predicted: "NDArray[Any]") -> float:
        """The metric of checked columns."""
        columns = (*self.parts(truth, predicted), *self.shared(truth))
        return float(self.formula(*(column.mean() for column in columns)))


def metric_named(name: str) -> Metric:
    """The metric called *name*; raises MetricError naming those there are."""
    if name not in METRICS:
        raise MetricError(f"metric {name!r} is not known: use one of {', '.join(METRICS)}")
    return METRICS[name]


def value_of(name: str, truth: Column, predicted: Column) -> float:
    """The metric called *name* of columns as they come; raises MetricError where they are not fit."""
    metric = metric_named(name)
    return metric.value(*checked(metric, truth=truth, predicted=predicted).values())


def checked(metric: Metric, **columns: Column) -> dict[str, "NDArray[Any]"]:
    """The *columns* (the one called truth among them) as arrays of one length; MetricError where they are not fit."""
    import numpy as np

    labels = metric.scale is Scale.LABELS
    arrays = {name: np.asarray(column, dtype=None if labels else np.float64) for name, column in columns.items()}
    for name, array in arrays.items():
        require_whole(metric.name, name, array, len(arrays["truth"]))
        if name == "truth":
            _two_classes(metric, name, array)
        elif metric.scale is Scale.CLASSES:
            _within(metric, name, (array == 0) | (array == 1), "0 or 1")
        elif metric.scale is Scale.PROBABILITIES:
            _within(metric, name, (array >= 0) & (array <= 1), "from 0 to 1")
    return arrays


def require_whole(where: str, name: str, array: "NDArray[Any]", rows: int) -> None:
    """Raises MetricError unless *array* is one column of *rows* rows and every one of them has a finite value."""
    import numpy as np

    if array.ndim != 1 or len(array) != rows or rows == 0:
        raise MetricError(f"{where}: {name} has shape {array.shape}, it needs ({max(rows, 1)},)")
    absent = array == None if array.dtype == object else np.zeros(rows, dtype=bool)  # noqa: E711  # For each element.
    number = array.dtype.kind in "fO"
    missing = int(((array != array) | absent).sum()) if number else 0
    infinite = int(np.isinf(array).sum()) if array.dtype.kind == "f" else 0
    if missing or infinite:
        said = f"{missing} missing and {infinite} infinite values in {rows} rows"
        raise MetricError(f"{where}: {name} has {said}: score every row before comparing")


def _two_classes(metric: Metric, name: str, array: "NDArray[Any]") -> None:
    if metric.scale in (Scale.NUMBERS, Scale.LABELS):
        return
    _within(metric, name, (array == 0) | (array == 1), "0 or 1")
    if array.min() == array.max() and metric.scale is not Scale.PROBABILITIES:
        raise MetricError(f"{metric.name}: every row of {name} is {array[0]:g}: give rows of both classes")


def _within(metric: Metric, name: str, fits: "NDArray[Any]", wanted: str) -> None:
    outside = int((~fits).sum())
    if outside:
        raise MetricError(f"{metric.name}: {outside} of {len(fits)} values of {name} are not {wanted}: convert them")


def _absolute_error(truth: "NDArray[Any]", predicted: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return (abs(predicted - truth),)


def _squared_error(truth: "NDArray[Any]", predicted: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return ((predicted - truth) ** 2,)


def _log_loss(truth: "NDArray[Any]", predicted: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    import numpy as np

    given = np.where(truth == 1, predicted, 1 - predicted)
    return (-np.log(np.clip(given, _SURE, 1 - _SURE)),)


def _hits(truth: "NDArray[Any]", predicted: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return ((truth == predicted).astype(float),)


def _found(truth: "NDArray[Any]", predicted: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    """Right among the positive rows."""
    return (predicted[truth == 1],)


def _positives(truth: "NDArray[Any]", predicted: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    """True positives, and positive predictions."""
    return truth * predicted, predicted


def _outranked(truth: "NDArray[Any]", predicted: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    return (placements(predicted[truth == 1], predicted[truth == 0]),)


def _moments(truth: "NDArray[Any]") -> tuple["NDArray[Any]", ...]:
    centred = truth - truth.mean()
    if not centred.any():
        raise MetricError(f"r2: every row of truth is {truth[0]:g}: give rows that differ, or use another metric")
    return centred, centred**2


def _root(mean: Any) -> Any:
    import numpy as np

    return np.sqrt(np.maximum(mean, 0))


def _r2(error: Any, first: Any, second: Any) -> Any:
    return 1 - error / (second - first**2)


def _f1(true: Any, predicted: Any, positive: Any) -> Any:
    return _ratio(2 * true, predicted + positive)


def _ratio(above: Any, below: Any) -> Any:
    """0 where *below* is 0: the custom for precision without a positive prediction."""
    import numpy as np

    return np.where(below > 0, above, 0) / np.where(below > 0, below, 1)


def _mean(value: Any) -> Any:
    return value


def _metric(name: str, scale: Scale, parts: Parts, formula: Callable[..., Any] = _mean, **given: Any) -> Metric:
    given = {"family": Family.MEANS, "higher_is_better": True, **given}
    return Metric(name=name, scale=scale, parts=parts, formula=formula, **given)


METRICS = {
    metric.name: metric
    for metric in (
        _metric("mae", Scale.NUMBERS, _absolute_error, higher_is_better=False),
        _metric("rmse", Scale.NUMBERS, _squared_error, _root, higher_is_better=False),
        _metric("r2", Scale.NUMBERS, _squared_error, _r2, shared=_moments),
        _metric("log_loss", Scale.PROBABILITIES, _log_loss, higher_is_better=False),
        _metric("brier", Scale.PROBABILITIES, _squared_error, higher_is_better=False),
        _metric("accuracy", Scale.LABELS, _hits, family=Family.HITS),
        _metric("recall", Scale.CLASSES, _found, family=Family.HITS),
        _metric("precision", Scale.CLASSES, _positives, _ratio),
        _metric("auc", Scale.SCORES, _outranked, family=Family.RANKS),
        _metric("f1", Scale.CLASSES, _positives, _f1, shared=lambda truth: (truth,)),
    )
}
