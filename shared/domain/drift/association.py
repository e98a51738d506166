"""How strongly two columns hang together: F tests, chi-squared, mutual information. It chooses nothing.

F and chi-squared are those of scikit-learn's feature selection; mutual information is of binned columns, and so the
same for the same rows. numpy and scipy.special are imported where they are used.
"""

from typing import TYPE_CHECKING, Any

from shared.domain.statistics import Tested

if TYPE_CHECKING:
    from numpy.typing import NDArray


def f_of_numbers(first: "NDArray[Any]", second: "NDArray[Any]") -> Tested | None:
    """Whether one number is linear in the other; None where either never varies, or rows are fewer than three."""
    import numpy as np

    freedom = len(first) - 2
    if freedom < 1 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    square = float(np.corrcoef(first, second)[0, 1]) ** 2
    return _f(square, 1, freedom)


def f_of_groups(groups: "NDArray[Any]", numbers: "NDArray[Any]") -> Tested | None:
    """One-way analysis of variance of *numbers* by *groups* (codes from 0); None where there is nothing to compare."""
    import numpy as np

    sizes = np.bincount(groups).astype(np.float64)
    present, spread = sizes > 0, float(((numbers - numbers.mean()) ** 2).sum())
    between, within = int(present.sum()) - 1, len(numbers) - int(present.sum())
    if between < 1 or within < 1 or spread == 0:
        return None
    means = np.bincount(groups, weights=numbers - numbers.mean())[present] / sizes[present]
    return _f(float((sizes[present] * means**2).sum()) / spread, between, within)


def _f(explained: float, between: int, within: int) -> Tested:
    """The F statistic of the share of the variance that is *explained*."""
    from scipy.special import fdtrc

    if explained >= 1:
        return Tested(statistic=float("inf"), p_value=0.0)
    statistic = explained / (1 - explained) * within / between
    return Tested(statistic=statistic, p_value=float(fdtrc(between, within, statistic)))


def cross_table(first: "NDArray[Any]", second: "NDArray[Any]") -> "NDArray[Any]":
    """Counts of pairs of codes, without empty rows and columns."""
    import numpy as np

    wide = int(second.max()) + 1 if len(second) else 1
    tall = int(first.max()) + 1 if len(first) else 1
    table = np.bincount(first * wide + second, minlength=tall * wide).reshape(tall, wide)
    filled: NDArray[Any] = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    return filled


def chi_squared_of(table: "NDArray[Any]") -> Tested | None:
    """Pearson's test of independence; None where the table has one row or column."""
    import numpy as np
    from scipy.special import chdtrc

    if min(table.shape) < 2:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return Tested(statistic=statistic, p_value=float(chdtrc(freedom_of(table), statistic)))


def freedom_of(table: "NDArray[Any]") -> int:
    return int((table.shape[0] - 1) * (table.shape[1] - 1))


def information_of(table: "NDArray[Any]") -> float:
    """The mutual information of the table in nats, as it is in these rows: on average too high by freedom / 2 rows."""
    import numpy as np

    rows = table.sum()
    if not rows:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    there = table > 0
    return max(0.0, float((table[there] * np.log(table[there] / expected[there])).sum() / rows))


def binned(numbers: "NDArray[Any]", count: int) -> "NDArray[Any]":
    """Codes of *count* bins with about as many rows each; values that occur often may leave fewer bins."""
    import numpy as np

    edges = np.unique(np.quantile(numbers, np.arange(1, count) / count))
    codes: NDArray[Any] = np.searchsorted(edges, numbers, "left")
    return codes
