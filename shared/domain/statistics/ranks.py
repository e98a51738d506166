"""The area under the ROC curve of two models on the same rows, with DeLong's covariance, in O(n log n).

Sources: DeLong, DeLong & Clarke-Pearson (1988) for the covariance; Sun & Xu (2014) for computing it by midranks.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.influence import Influence

if TYPE_CHECKING:
    from numpy.typing import NDArray


def placements(scores: "NDArray[Any]", opponents: "NDArray[Any]") -> "NDArray[Any]":
    """For each of *scores*, in rising order of the scores' places: the share of *opponents* below it, ties as half.

    It is the midrank among both less the midrank among *scores*, over the number of *opponents*.
    """
    import numpy as np

    opponents_in_order = np.sort(opponents)
    order = np.argsort(scores)
    rising = scores[order]  # Sorted look-ups walk through memory once.
    share = np.empty(len(scores))
    share[order] = np.searchsorted(opponents_in_order, rising, "left") + np.searchsorted(
        opponents_in_order, rising, "right"
    )
    return share / (2 * len(opponents))


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
    class_scores = [(model[positive], model[~positive]) for model in (champion, challenger)]
    (champion_placements, champion_misses), (found_by_challenger, spared_by_challenger) = (
        (placements(above, below), 1 - placements(below, above)) for above, below in class_scores
    )
    first, second = found_by_challenger - champion_placements, spared_by_challenger - champion_misses
    variances = _variance(first), _variance(second)
    terms = sum(variance**2 / max(1, len(side) - 1) for variance, side in zip(variances, (first, second), strict=True))
    return AreaDifference(
        champion=float(champion_placements.mean()),
        challenger=float(found_by_challenger.mean()),
        error=math.sqrt(sum(variances)),
        freedom=sum(variances) ** 2 / terms if terms else math.inf,
    )


def _variance(differences: "NDArray[Any]") -> float:
    """Of the mean; a single row shows no variation, so its own square stands in."""
    n = len(differences)
    return float(differences.var(ddof=1)) / n if n > 1 else float(differences[0] ** 2)


def average_precision(truth: "NDArray[Any]", scores: "NDArray[Any]") -> Influence:
    """The mean over the positive rows of the precision among all rows that score as high; equal scores come together.

    With h(s) the precision and B(s) the share of rows from score s up, a row of score t and truth y contributes
    (y/p) (h(t) - AP) + the sum over positive rows s <= t of (y - h(s)) / B(s), over their number: the derivative of
    the mean of h = A/B with respect to the row's weight.
    """
    import numpy as np

    n, positives = len(truth), float(truth.sum())
    _, level = np.unique(-scores, return_inverse=True)  # Levels of falling score.
    level = level.reshape(-1)
    hits, rows = np.bincount(level, weights=truth), np.bincount(level)
    above = np.cumsum(rows) / n
    precision = np.cumsum(hits) / np.cumsum(rows)
    value = float(hits @ precision) / positives
    # Sums over the levels from the row's own down: those whose threshold lets the row in.
    first = np.cumsum((hits / above)[::-1])[::-1] / positives
    second = np.cumsum((hits * precision / above)[::-1])[::-1] / positives
    pulls = truth * (n / positives) * (precision[level] - value) + truth * first[level] - second[level]
    return Influence(value=value, rows=pulls)


def area_influence(truth: "NDArray[Any]", scores: "NDArray[Any]") -> Influence:
    """The area under the ROC curve with DeLong's components as what each row contributes, for rows in groups.

    Source: Obuchowski (1997): summed over groups, their squares are the variance of the area of clustered rows.
    """
    import numpy as np

    positive = truth == 1
    above, below = scores[positive], scores[~positive]
    score_placements = placements(above, below)
    area, n = float(score_placements.mean()), len(truth)
    pulls = np.empty(n)
    pulls[positive] = (score_placements - area) * (n / len(above))
    pulls[~positive] = (1 - placements(below, above) - area) * (n / len(below))
    return Influence(value=area, rows=pulls)
