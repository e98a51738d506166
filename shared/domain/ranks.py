"""The area under the ROC curve of two models on the same rows, with DeLong's covariance, in O(n log n).

Sources: DeLong, DeLong & Clarke-Pearson (1988) for the covariance; Sun & Xu (2014) for computing it by midranks.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def placements(scores: "NDArray[Any]", others: "NDArray[Any]") -> "NDArray[Any]":
    """For each of *scores*, in rising order of the scores' places: the share of *others* below it, ties as half.

    It is the midrank among both less the midrank among *scores*, over the number of *others*.
    """
    import numpy as np

    ordered = np.sort(others)
    places = np.argsort(scores)
    rising = scores[places]  # Sorted look-ups walk through memory once.
    share = np.empty(len(scores))
    share[places] = np.searchsorted(ordered, rising, "left") + np.searchsorted(ordered, rising, "right")
    return share / (2 * len(others))


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaDifference:
    """The two areas, the standard error of their difference, and its degrees of freedom (Welch and Satterthwaite)."""

    champion: float
    challenger: float
    error: float
    freedom: float


def area_difference(truth: "NDArray[Any]", champion: "NDArray[Any]", challenger: "NDArray[Any]") -> AreaDifference:
    """Of scores for rows whose *truth* is 0 or 1, with at least one row of each."""
    positive = truth == 1
    both = [(model[positive], model[~positive]) for model in (champion, challenger)]
    (found, spared), (found_by_challenger, spared_by_challenger) = (
        (placements(above, below), 1 - placements(below, above)) for above, below in both
    )
    first, second = found_by_challenger - found, spared_by_challenger - spared
    variances = _variance(first), _variance(second)
    terms = sum(each**2 / max(1, len(side) - 1) for each, side in zip(variances, (first, second), strict=True))
    return AreaDifference(
        champion=float(found.mean()),
        challenger=float(found_by_challenger.mean()),
        error=math.sqrt(sum(variances)),
        freedom=sum(variances) ** 2 / terms if terms else math.inf,
    )


def _variance(differences: "NDArray[Any]") -> float:
    """Of the mean; a single row shows no variation, so its own square stands in."""
    n = len(differences)
    return float(differences.var(ddof=1)) / n if n > 1 else float(differences[0] ** 2)
