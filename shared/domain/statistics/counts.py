"""Two-sample tests on counts, and what to make of many of them at once.

numpy is imported where it is used: importing the app stays cheap. It draws no random number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.distributions import chi_squared_above, kolmogorov_above

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Cochran's rule (1954): a cell of which fewer rows are expected is too coarse for the chi-squared distribution.
_SMALLEST_EXPECTED = 5.0
_EXACT_TERMS = 10_000
_ROUNDING = 1e-7  # Tables as likely as the observed one must not be lost to the last digits.
_PSI_BINS = 10
_PSI_SMOOTHING = 0.5
_TINY = 1e-12


def told_p(p_value: float) -> str:
    """An adjusted p-value in words; what is so small that its digits mean nothing is only bounded."""
    return f"adjusted p < {_TINY:g}" if p_value < _TINY else f"adjusted p = {p_value:.2g}"


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

    first, second = np.cumsum(reference, dtype=np.float64), np.cumsum(sample, dtype=np.float64)
    n, m = first[-1], second[-1]
    distance = float(np.max(np.abs(first / n - second / m)))
    return Tested(statistic=distance, p_value=kolmogorov_above(math.sqrt(n * m / (n + m)) * distance))


def homogeneity(reference: Sequence[int], sample: Sequence[int]) -> Tested:
    """Whether two rows of category counts come from one distribution; categories nobody has count for nothing.

    Two categories: `fisher_irwin`. More: categories that expect at least five in either row (Cochran 1954) are compared
    by Pearson's chi-squared, with all sparse ones pooled beside them. Pooling hides a category that only one of the
    rows has, so the pool against the rest, and each sparse category against the rest, are asked exactly. The smallest
    of these p-values is multiplied by their number (Bonferroni). The statistic is Pearson's over all categories.
    """
    import numpy as np

    table = np.array([reference, sample], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return Tested(statistic=0.0, p_value=1.0)
    statistic = _pearson(table)
    if table.shape[1] == 2:
        return Tested(statistic=statistic, p_value=fisher_irwin(table))
    # An exact test of the whole table (Freeman-Halton) would need no such split, but its time is exponential in the
    # number of categories, and simulation would make the verdict depend on a seed.
    sparse = _expectation(table).min(axis=0) < _SMALLEST_EXPECTED
    questions = [_frequent_categories(table, sparse), *_sparse_categories(table, sparse)]
    p_values = [p for p in questions if p is not None]
    return Tested(statistic=statistic, p_value=min(1.0, len(p_values) * min(p_values)))


def _frequent_categories(table: "NDArray[Any]", sparse: "NDArray[Any]") -> float | None:
    """The p-value over the frequent categories and the pool of the sparse ones; None where these are fewer than two."""
    import numpy as np

    pool = table[:, sparse].sum(axis=1)
    columns = np.column_stack([table[:, ~sparse], pool]) if pool.sum() else table
    columns = columns[:, _expectation(columns).min(axis=0) >= _SMALLEST_EXPECTED]
    if columns.shape[1] < 2 or not columns.sum(axis=1).all():
        return None
    return chi_squared_above(columns.shape[1] - 1, _pearson(columns))


def _sparse_categories(table: "NDArray[Any]", sparse: "NDArray[Any]") -> list[float]:
    """The p-value of all sparse categories together, and the smallest of each by itself, for its number."""
    import numpy as np

    totals = table.sum(axis=1)
    alone = [fisher_irwin(np.column_stack([column, totals - column])) for column in table[:, sparse].T]
    if len(alone) < 2:
        return alone
    pool = table[:, sparse].sum(axis=1)
    return [fisher_irwin(np.column_stack([pool, totals - pool])), min(1.0, len(alone) * min(alone))]


def fisher_irwin(table: "NDArray[Any]") -> float:
    """The two-sided p-value of a 2 x 2 table by Irwin's rule: tables that are no likelier than this one count.

    Where all four margins are large, the "N - 1" chi-squared stands for it (Campbell 2007): they agree there, and an
    exact sum would take as many terms as the smallest margin has rows.
    """
    import numpy as np

    (first, second), (column, _) = table.sum(axis=1), table.sum(axis=0)
    total = first + second
    if min(first, second, column, total - column) > _EXACT_TERMS:
        return chi_squared_above(1, _pearson(table) * (total - 1) / total)
    cells = np.arange(max(0.0, column - second), min(first, column) + 1)
    # Each table's chance is the one before it by a ratio of four counts. Their logarithms are summed, less the largest:
    # the chances themselves leave what a double holds.
    before = cells[:-1]
    ratios = (first - before) * (column - before) / ((before + 1) * (second - column + before + 1))
    chances = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    chances = np.exp(chances - np.max(chances))
    table_chance = chances[int(table[0, 0] - cells[0])]
    return float(min(1.0, chances[chances <= table_chance * (1 + _ROUNDING)].sum() / chances.sum()))


def _pearson(table: "NDArray[Any]") -> float:
    import numpy as np

    expectation = _expectation(table)
    return float(np.sum((table - expectation) ** 2 / np.where(expectation > 0, expectation, 1)))


def _expectation(table: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    expectation: NDArray[Any] = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return expectation


def population_stability(reference: Sequence[int], sample: Sequence[int], *, ordered: bool) -> float:
    """The population stability index: 0 for equal distributions; by custom 0.1 is noticeable, 0.25 large.

    Half an observation is added to every bin, so empty bins stay finite. *ordered* cells become about ten equal bins.
    """
    import numpy as np

    table = np.array([reference, sample], dtype=np.float64)
    if ordered:
        table = _bin(table)
    # Without smoothing one empty bin makes the index infinite. Half a row is Jeffreys' prior of a share.
    shares = (table + _PSI_SMOOTHING) / (table + _PSI_SMOOTHING).sum(axis=1, keepdims=True)
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def _bin(table: "NDArray[Any]") -> "NDArray[Any]":
    """Columns gathered into bins of about a tenth of the first row each."""
    import numpy as np

    middle = (np.cumsum(table[0]) - table[0] / 2) / table[0].sum()
    number = np.minimum((middle * _PSI_BINS).astype(np.int64), _PSI_BINS - 1)
    return np.stack([np.bincount(number, weights=row, minlength=_PSI_BINS) for row in table])


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the order given: those under alpha have a false discovery rate of at most alpha (1995)."""
    # From the largest p-value down, so that the running minimum keeps the adjusted ones in the order of the p-values.
    total, smallest = len(p_values), 1.0
    q_values = [1.0] * total
    for rank, at in reversed(list(enumerate(sorted(range(total), key=p_values.__getitem__), start=1))):
        smallest = min(smallest, p_values[at] * total / rank)
        q_values[at] = smallest
    return tuple(q_values)
