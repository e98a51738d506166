"""Rows that belong together, one patient's or machine's: they vary together, so whole groups are what counts.

A group is named by an integer from 0; every column has one integer a row.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def group_codes(labels: Any) -> "NDArray[Any]":
    """Integers from 0 for any column of *labels*; equal labels get the same one."""
    import numpy as np

    codes: NDArray[Any] = np.unique(np.asarray(labels), return_inverse=True)[1].reshape(-1)
    return codes


def group_totals(columns: "NDArray[Any]", codes: "NDArray[Any]") -> "NDArray[Any]":
    """The sums of *columns*, shape (k, rows), over the rows of each group: shape (k, groups)."""
    import numpy as np

    group_count = int(codes.max()) + 1
    return np.stack([np.bincount(codes, weights=column, minlength=group_count) for column in columns])


def design_effect(differences: "NDArray[Any]", codes: "NDArray[Any]") -> float:
    """How many times as large the variance of the mean is as it would be of independent rows; at least 1.

    The variance between groups is the ratio estimator's (Obuchowski 1998, for paired proportions; Rao & Scott 1992 for
    dividing counts by the ratio). Where nothing varies nothing can be measured: each group then counts as one row.
    """
    import numpy as np

    n, group_count = len(differences), int(codes.max()) + 1
    deviations = differences - differences.mean()
    alone = float(np.sum(deviations**2))
    if alone == 0 or group_count < 2:
        return n / group_count
    between = group_totals(deviations[None, :], codes)[0]
    # One group more, as influential as the most influential there is: few groups show too little of their variance.
    together = (float(np.sum(between**2)) + float(np.max(between**2))) * group_count / (group_count - 1)
    # Below 1, rows of one group would differ more than rows of different groups. Chance does that too, and dividing by
    # it would make the interval shorter than that of independent rows.
    return min(max(1.0, together / alone), float(n))
