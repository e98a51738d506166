"""An interval from what each row contributes to a metric, for metrics that are no formula over a few means.

Source: Efron & Tibshirani (1993), chapter 21 (the infinitesimal jackknife), with Student's t.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.distributions import student_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """A metric's *value*, and for each row how far it pulls the value, *rows* with the mean 0."""

    value: float
    rows: "NDArray[Any]"


InfluenceOf = Callable[["NDArray[Any]", "NDArray[Any]"], Influence]  # Of a truth and a prediction.


def influence_reach(pulls: "NDArray[Any]", rows: int, confidence: float) -> float:
    """Half the length of the interval of a difference to which each group (or row) contributes *pulls*, of *rows* rows.

    One group more counts, as influential as the most influential there is: few show too little of their variance.
    """
    import numpy as np

    count = len(pulls)
    if count < 2:
        return math.inf
    squares = pulls**2
    total, fourth = float(squares.sum()), float(np.sum(squares**2))
    if fourth == 0:
        return 0.0
    error = math.sqrt((total + float(squares.max())) * count / (count - 1)) / rows
    return student_quantile(_freedom(count, total**2 / fourth), (1 + confidence) / 2) * error


def _freedom(count: int, effective: float) -> float:
    """The degrees of freedom of the variance of *count* pulls whose squares are spread as *effective* equal ones are.

    A variance from values of kurtosis k varies as one with 2n / (k - 1) degrees of freedom does (Satterthwaite 1946).
    """
    return max(1.0, min(count - 1.0, 2 * count * effective / max(count - effective, 1e-9)))
