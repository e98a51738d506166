"""Evaluation metrics as functions of row means, which is what makes resampling them cheap. AUC is apart: see `paired`.

A metric names the moments it needs of each row, and how their means make its value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
AUC = "auc"
_TINY = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """*moments* of (truth, prediction) have shape (rows, k); *value* takes their means along the last axis."""

    name: str
    higher_is_better: bool
    moments: Callable[[Array, Array], Array]
    value: Callable[[Array], Any]

    def of(self, truth: Array, prediction: Array) -> float:
        return float(self.value(self.moments(truth, prediction).mean(axis=0)))


def _one(row: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda truth, prediction: row(truth, prediction)[:, None]


def _first(means: Array) -> Any:
    return means[..., 0]


def _log_loss(truth: Array, prediction: Array) -> Array:
    sure = np.clip(prediction, _TINY, 1 - _TINY)
    loss: Array = -(truth * np.log(sure) + (1 - truth) * np.log1p(-sure))
    return loss


def _r2_moments(truth: Array, prediction: Array) -> Array:
    return np.stack([(truth - prediction) ** 2, truth, truth**2], axis=1)


def _r2(means: Array) -> Any:
    return 1 - means[..., 0] / (means[..., 2] - means[..., 1] ** 2)


def _f1_moments(truth: Array, prediction: Array) -> Array:
    hit = (truth == 1) & (prediction == 1)
    return np.stack([hit, prediction == 1, truth == 1], axis=1).astype(np.float64)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="mae", higher_is_better=False, moments=_one(lambda y, p: np.abs(y - p)), value=_first),
        Metric(name="mse", higher_is_better=False, moments=_one(lambda y, p: (y - p) ** 2), value=_first),
        Metric(
            name="rmse",
            higher_is_better=False,
            moments=_one(lambda y, p: (y - p) ** 2),
            value=lambda means: np.sqrt(means[..., 0]),
        ),
        Metric(name="r2", higher_is_better=True, moments=_r2_moments, value=_r2),
        Metric(
            name="accuracy",
            higher_is_better=True,
            moments=_one(lambda y, p: (y == p).astype(np.float64)),
            value=_first,
        ),
        Metric(
            name="f1",
            higher_is_better=True,
            moments=_f1_moments,
            value=lambda means: 2 * means[..., 0] / np.maximum(means[..., 1] + means[..., 2], _TINY),
        ),
        Metric(name="log_loss", higher_is_better=False, moments=_one(_log_loss), value=_first),
        Metric(name="brier", higher_is_better=False, moments=_one(lambda y, p: (y - p) ** 2), value=_first),
    )
}
NAMES = (*METRICS, AUC)


def refuse_missing(**columns: Array) -> None:
    """Raises ValueError naming the column and how many of its values are missing, or what does not fit together."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}; predictions must be for the same rows")
    for name, column in columns.items():
        missing = int(np.count_nonzero(~np.isfinite(column)))
        if missing:
            raise ValueError(f"{missing} of {len(column)} values of {name} are missing or not finite")
