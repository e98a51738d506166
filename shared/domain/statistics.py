"""Two-sample tests on counts, and what to make of many of them at once.

numpy and scipy.special are imported where they are used: importing the app stays cheap. It draws no random number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST_EXPECTED = 5.0
_PSI_BINS = 10
_PSI_SMOOTHING = 0.5
_TINY = 1e-12


def told_p(adjusted: float) -> str:
    """An adjusted p-value in words; what is so small that its digits mean nothing is only bounded."""
    return f"adjusted p < {_TINY:g}" if adjusted < _TINY else f"adjusted p = {adjusted:.2g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A test's *statistic* and *p_value*."""

    statistic: float
    p_value: float


def kolmogorov_smirnov(reference: Sequence[int], sample: Sequence[int]) -> Tested:
    """Two-sample KS on counts in the same ordered cells, with the asymptotic distribution (Smirnov 1948).

    The true distance is never smaller than the distance at the cell edges, so the test is conservative.
    """
    import numpy as np
    from scipy.special import kolmogorov

    first, second = np.cumsum(reference, dtype=np.float64), np.cumsum(sample, dtype=np.float64)
    n, m = first[-1], second[-1]
    distance = float(np.max(np.abs(first / n - second / m)))
    return Tested(statistic=distance, p_value=float(kolmogorov(math.sqrt(n * m / (n + m)) * distance)))


def chi_squared(reference: Sequence[int], sample: Sequence[int]) -> Tested | None:
    """Pearson's test that two rows of counts come from one distribution; None where fewer than two cells are left.

    Cells that expect fewer than five in either row are merged first (Cochran 1954).
    """
    import numpy as np
    from scipy.special import chdtrc

    table = _merged(np.array([reference, sample], dtype=np.float64))
    if table.shape[1] < 2:
        return None
    expected = _expected(table)
    statistic = float(np.sum((table - expected) ** 2 / expected))
    return Tested(statistic=statistic, p_value=float(chdtrc(table.shape[1] - 1, statistic)))


def _expected(table: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    expected: NDArray[Any] = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return expected


def _merged(table: "NDArray[Any]") -> "NDArray[Any]":
    """*table* without empty or sparse columns: the sparse ones become one, which takes the next smallest if need be."""
    import numpy as np

    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    table = table[:, table.sum(axis=0) > 0]
    sparse = int((_expected(table).min(axis=0) < _SMALLEST_EXPECTED).sum()) if table.size else 0
    while sparse and table.shape[1] > 1:
        table = np.column_stack([table[:, :sparse].sum(axis=1), table[:, sparse:]])
        sparse = 2 if _expected(table)[:, 0].min() < _SMALLEST_EXPECTED else 0
    return table


def population_stability(reference: Sequence[int], sample: Sequence[int], *, ordered: bool) -> float:
    """The population stability index: 0 for equal distributions; by custom 0.1 is noticeable, 0.25 large.

    Half an observation is added to every bin, so empty bins stay finite. *ordered* cells become about ten equal bins.
    """
    import numpy as np

    table = np.array([reference, sample], dtype=np.float64)
    if ordered:
        table = _binned(table)
    shares = (table + _PSI_SMOOTHING) / (table + _PSI_SMOOTHING).sum(axis=1, keepdims=True)
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def _binned(table: "NDArray[Any]") -> "NDArray[Any]":
    """Columns gathered into bins of about a tenth of the first row each."""
    import numpy as np

    middle = (np.cumsum(table[0]) - table[0] / 2) / table[0].sum()
    number = np.minimum((middle * _PSI_BINS).astype(np.int64), _PSI_BINS - 1)
    return np.stack([np.bincount(number, weights=row, minlength=_PSI_BINS) for row in table])


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the order given: those under alpha have a false discovery rate of at most alpha (1995)."""
    total, smallest = len(p_values), 1.0
    adjusted = [1.0] * total
    for rank, at in reversed(list(enumerate(sorted(range(total), key=p_values.__getitem__), start=1))):
        smallest = min(smallest, p_values[at] * total / rank)
        adjusted[at] = smallest
    return tuple(adjusted)


def detectable_shift(n: int, m: int, alpha: float, power: float) -> float:
    """The smallest shift, in standard deviations of a normal column, that KS surely finds; infinite for small samples.

    *n* and *m* are the sample sizes. A bound: the distance at the best single point, whose variance is at most 1/4,
    must reach the critical value with probability *power*.
    """
    from scipy.special import kolmogi, ndtri

    distance = float(kolmogi(alpha) + ndtri(power) / 2) * math.sqrt((n + m) / (n * m)) if n and m else 1.0
    return 2 * float(ndtri((1 + distance) / 2)) if distance < 1 else math.inf
