"""Metrics of labels of any number of classes, each with what every row contributes to it (its influence).

The classes are those of the truth: a prediction of a class that no row has is a mistake, and no class of its own.
Sources: Gorodkin (2004) for Matthews' correlation of several classes; the influence is the metric's derivative with
respect to one row's weight, as in Efron & Tibshirani (1993), chapter 21.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.influence import Influence

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Confusion:
    """Codes of each row's *truth* and *prediction* (the last code: no class of the truth), and shares by code."""

    truth: "NDArray[Any]"
    prediction: "NDArray[Any]"
    hit: "NDArray[Any]"
    hits: "NDArray[Any]"
    actual: "NDArray[Any]"
    prediction_shares: "NDArray[Any]"

    @property
    def classes(self) -> int:
        return len(self.actual) - 1


def _confusion(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> _Confusion:
    import numpy as np

    names, codes = np.unique(truth, return_inverse=True)
    codes = codes.reshape(-1)
    positions = np.minimum(np.searchsorted(names, predictions), len(names) - 1)
    predicted_codes = np.where(names[positions] == predictions, positions, len(names))
    hit, n, class_count = codes == predicted_codes, len(truth), len(names) + 1
    return _Confusion(
        truth=codes,
        prediction=predicted_codes,
        hit=hit.astype(float),
        hits=np.bincount(codes[hit], minlength=class_count) / n,
        actual=np.bincount(codes, minlength=class_count) / n,
        prediction_shares=np.bincount(predicted_codes, minlength=class_count) / n,
    )


def macro_f1(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> Influence:
    """The mean of the classes' F1, each class alike."""
    import numpy as np

    cells = _confusion(truth, predictions)
    f1, total = _f1_by_class(cells)
    weight = np.append(np.full(cells.classes, 1 / cells.classes), 0.0)
    return Influence(value=float(weight @ f1), rows=_f1_rows(cells, f1, total, weight))


def weighted_f1(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> Influence:
    """The mean of the classes' F1, each class by its share of the rows."""
    cells = _confusion(truth, predictions)
    f1, total = _f1_by_class(cells)
    value = float(cells.actual @ f1)
    own = f1[cells.truth] - value  # The weights, too, are shares that vary.
    return Influence(value=value, rows=_f1_rows(cells, f1, total, cells.actual) + own)


def _f1_by_class(cells: _Confusion) -> tuple["NDArray[Any]", "NDArray[Any]"]:
    import numpy as np

    total = cells.actual + cells.prediction_shares
    return 2 * cells.hits / np.where(total > 0, total, 1), np.where(total > 0, total, 1)


def _f1_rows(cells: _Confusion, f1: "NDArray[Any]", total: "NDArray[Any]", weight: "NDArray[Any]") -> "NDArray[Any]":
    gain = 2 * cells.hit * (weight / total)[cells.truth]
    share = weight * f1 / total
    rows: NDArray[Any] = gain - share[cells.truth] - share[cells.prediction]
    return rows


def balanced_accuracy(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> Influence:
    """The mean of the classes' recall, each class alike."""
    import numpy as np

    cells = _confusion(truth, predictions)
    actual = np.where(cells.actual > 0, cells.actual, 1)
    recall = cells.hits / actual
    rows = (cells.hit - recall[cells.truth]) / (cells.classes * actual[cells.truth])
    return Influence(value=float(recall[:-1].mean()), rows=rows)


def matthews(truth: "NDArray[Any]", predictions: "NDArray[Any]") -> Influence:
    """Matthews' correlation; 0 for a model that predicts one class alone, as is the custom."""
    import numpy as np

    cells = _confusion(truth, predictions)
    hits, actual, guesses = float(cells.hits.sum()), cells.actual, cells.prediction_shares
    together = hits - float(actual @ guesses)
    of_truth, of_guess = 1 - float(actual @ actual), 1 - float(guesses @ guesses)
    # Predicting one class alone makes the correlation 0 / 0. scikit-learn says 0 too, so that figures can be compared.
    if of_guess <= 0 or of_truth <= 0:
        return Influence(value=0.0, rows=np.zeros(len(truth)))
    root = (of_truth * of_guess) ** 0.5
    value = together / root
    numerator = cells.hit - guesses[cells.truth] - actual[cells.prediction] - hits + 2 * float(actual @ guesses)
    spread = (float(actual @ actual) - actual[cells.truth]) / of_truth
    spread = spread + (float(guesses @ guesses) - guesses[cells.prediction]) / of_guess
    return Influence(value=value, rows=numerator / root - value * spread)
