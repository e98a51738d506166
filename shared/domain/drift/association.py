"""How strongly two columns hang together: F tests of ranks, chi-squared, mutual information. It chooses nothing.

The statistics are those of scikit-learn's feature selection, F of the columns' ranks. The p-values hold for any
distribution of the values, also where categories are rare. Mutual information is of binned columns, and so the same for
the same rows. numpy is imported where it is used.
"""

import math
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.counts import Tested, fisher_irwin
from shared.domain.statistics.distributions import f_above, gamma_above

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Fewer than Cochran's five, since the p-value is of the statistic's exact moments and not of the chi-squared
# distribution's.
_LEAST_EXPECTED = 2
_FEW_TIES = 12.0  # Four times the concentration of ranks without ties.


def ranks(numbers: "NDArray[Any]") -> "NDArray[Any]":
    """The rank of each number from 1; equal numbers share the mean of their ranks."""
    import numpy as np

    _, codes, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: NDArray[Any] = (last - (counts - 1) / 2)[codes]
    return middle


def concentration(numbers: "NDArray[Any]") -> float:
    """The largest squared deviation over the variance; infinite for a constant.

    It is 3 for ranks without ties, and about 1/p for a flag that a share p of the rows has. A sum over some rows is
    nearly normal only where these rows are many beside it (Noether 1949).
    """
    import numpy as np

    deviations = (numbers - numbers.mean()) ** 2
    spread = float(deviations.mean())
    return float(np.max(deviations)) / spread if spread else math.inf


def f_of_numbers(first: "NDArray[Any]", second: "NDArray[Any]") -> Tested | None:
    """Whether one number rises or falls with the other, by their ranks (Spearman 1904).

    None where either never varies, rows are fewer than three, or so few differ from the rest that the F distribution
    would not hold: a flag that one row in a hundred has beside one of one in fifty, in 500 rows.
    """
    import numpy as np

    freedom = len(first) - 2
    if freedom < 1 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    first, second = ranks(first), ranks(second)
    if concentration(first) * concentration(second) > len(first):
        return None
    square = float(np.corrcoef(first, second)[0, 1]) ** 2
    return _f(square, 1, freedom)


def f_of_groups(groups: "NDArray[Any]", numbers: "NDArray[Any]") -> Tested | None:
    """One-way analysis of variance of the ranks of *numbers* by *groups* (codes from 0), as Kruskal and Wallis' (1952).

    None where there is nothing to compare, or so few numbers differ from the rest that the F distribution would not
    hold.
    """
    import numpy as np

    numbers = ranks(numbers)
    sizes = np.bincount(groups).astype(np.float64)
    present, spread = sizes > 0, float(((numbers - numbers.mean()) ** 2).sum())
    between, within = int(present.sum()) - 1, len(numbers) - int(present.sum())
    if between < 1 or within < 1 or spread == 0:
        return None
    if concentration(numbers) > max(_FEW_TIES, sizes[present].min()):
        return None
    means = np.bincount(groups, weights=numbers - numbers.mean())[present] / sizes[present]
    return _f(float((sizes[present] * means**2).sum()) / spread, between, within)


def _f(share: float, between: int, within: int) -> Tested:
    """The F statistic where *share* of the variance is explained."""
    if share >= 1:
        return Tested(statistic=float("inf"), p_value=0.0)
    statistic = share / (1 - share) * within / between
    return Tested(statistic=statistic, p_value=f_above(between, within, statistic))


def cross_table(first: "NDArray[Any]", second: "NDArray[Any]") -> "NDArray[Any]":
    """Counts of pairs of codes, without empty rows and columns."""
    import numpy as np

    wide = int(second.max()) + 1 if len(second) else 1
    tall = int(first.max()) + 1 if len(first) else 1
    table = np.bincount(first * wide + second, minlength=tall * wide).reshape(tall, wide)
    cells: NDArray[Any] = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    return cells


def chi_squared_of(table: "NDArray[Any]") -> Tested | None:
    """Pearson's test of independence; None where the table has one row or column.

    Categories that expect less than two rows are pooled with others first: where many do, the statistic takes a few
    values only. Two by two: Fisher and Irwin's exact test. Else the gamma distribution with the mean and the variance
    that the statistic has over all tables with these margins (Haldane 1940; Lewis, Saunders and Westcott 1984). The
    chi-squared distribution, its limit for large counts, is far too narrow where a category is rare.
    """
    import numpy as np

    table = _pool_rows(table if table.shape[0] >= table.shape[1] else table.T)
    if min(table.shape) < 2:
        return None
    expectation = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expectation) ** 2 / expectation).sum())
    if table.shape == (2, 2):
        return Tested(statistic=statistic, p_value=fisher_irwin(table.astype(np.float64)))
    mean, variance = moments_of_statistic(table)
    if variance <= 0:  # One table has these margins.
        return Tested(statistic=statistic, p_value=1.0)
    return Tested(statistic=statistic, p_value=gamma_above(mean**2 / variance, statistic * mean / variance))


def _pool_rows(table: "NDArray[Any]") -> "NDArray[Any]":
    """*table* with its rows gathered, the smallest first, until each expects two rows in every column."""
    import numpy as np

    least = _LEAST_EXPECTED * table.sum() / max(1, table.sum(axis=0).min())
    totals = table.sum(axis=1)
    order = np.argsort(totals, kind="stable")
    pools, number, size = np.empty(len(table), dtype=np.int64), 0, 0
    for row in order:
        pools[row], size = number, size + int(totals[row])
        if size >= least:
            number, size = number + 1, 0
    if size:  # What is left over joins the pool before it.
        pools[pools == number] = max(0, number - 1)
    pools_table: NDArray[Any] = np.zeros((int(pools.max()) + 1, table.shape[1]), dtype=table.dtype)
    np.add.at(pools_table, pools, table)
    return pools_table


def moments_of_statistic(table: "NDArray[Any]") -> tuple[float, float]:
    """The mean and the variance of Pearson's statistic over all tables with the margins of *table*."""
    rows, freedom = float(table.sum()), freedom_of(table)
    (first, first_margin), (second, second_margin) = (_of_margin(table.sum(axis=axis)) for axis in (0, 1))
    variance = 2 * rows / (rows - 3) * (first - first_margin) * (second - second_margin)
    return rows / (rows - 1) * freedom, variance + rows**2 / (rows - 1) * first_margin * second_margin


def _of_margin(counts: "NDArray[Any]") -> tuple[float, float]:
    """What one margin adds to the variance: of its size, and of how uneven it is."""
    rows, size = float(counts.sum()), len(counts)
    return (size - 1) * (rows - size) / (rows - 1), (rows * float((1 / counts).sum()) - size**2) / (rows - 2)


def freedom_of(table: "NDArray[Any]") -> int:
    return int((table.shape[0] - 1) * (table.shape[1] - 1))


def information_of(table: "NDArray[Any]") -> float:
    """The mutual information of the table in nats, as it is in these rows: on average too high by freedom / 2 rows."""
    import numpy as np

    rows = table.sum()
    if not rows:
        return 0.0
    expectation = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    has_rows = table > 0
    return max(0.0, float((table[has_rows] * np.log(table[has_rows] / expectation[has_rows])).sum() / rows))


def bin_numbers(numbers: "NDArray[Any]", count: int) -> "NDArray[Any]":
    """Codes of *count* bins with about as many rows each; values that occur often may leave fewer bins."""
    import numpy as np

    edges = np.unique(np.quantile(numbers, np.arange(1, count) / count))
    codes: NDArray[Any] = np.searchsorted(edges, numbers, "left")
    return codes
