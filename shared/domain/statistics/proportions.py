"""The difference of two paired proportions: which of two models is right more often on the same rows.

Source: Tango (1998), the score interval. It needs no variation to see: without a single disagreement it is still wide.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

from shared.domain.statistics.distributions import student_quantile

_HALVINGS = 60


def score_interval(
    gains: float, losses: float, n: float, confidence: float, freedom: int | None = None
) -> tuple[float, float]:
    """The ends for (gains - losses) / n: of *n* rows only the second model has *gains* right, only the first *losses*.

    Counts may be fractions: those of rows in groups are divided by their design effect. *freedom* are the degrees of
    freedom of that effect, with which Student's t replaces the normal distribution.
    """
    z = _critical(confidence, freedom)
    estimate = (gains - losses) / n
    low = _root(lambda change: _score(change, gains, losses, n) - z, -1.0, estimate)
    high = _root(lambda change: _score(change, gains, losses, n) + z, estimate, 1.0)
    return low, high


def _critical(confidence: float, freedom: int | None) -> float:
    if freedom is None:
        return NormalDist().inv_cdf((1 + confidence) / 2)
    return student_quantile(freedom, (1 + confidence) / 2)


def _score(change: float, gains: float, losses: float, n: float) -> float:
    """The statistic for the hypothesis that the difference is *change*; it falls as *change* grows."""
    a = 2 * n
    b = -gains - losses + (2 * n - gains + losses) * change
    c = -losses * change * (1 - change)
    only_first = max(0.0, (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a))
    variance = n * (2 * only_first + change * (1 - change))
    above = gains - losses - n * change
    if variance <= 0 or above == 0:
        return math.copysign(math.inf, above) if above else 0.0
    return above / math.sqrt(variance)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    # Tango finds the bounds by iteration too. Bisection needs no derivative and cannot leave the interval, and sixty
    # halvings of a length of 2 reach the last bit of a double, whatever the counts are.
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
