"""The quality of an order: the normalised discounted cumulative gain of each query.

Source: Järvelin & Kekäläinen (2002), with the gain of a row its truth itself, as scikit-learn has it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def ndcg_by_query(
    truth: "NDArray[Any]", scores: "NDArray[Any]", queries: "NDArray[Any]", depth: int | None
) -> "NDArray[Any]":
    """One value from 0 to 1 for each of *queries*, of whose order only the first *depth* places count.

    Rows with one score share the mean of the discounts of their places (McSherry & Najork 2008). A query none of whose
    rows is relevant has the value 0: no order of it is better than another.
    """
    import numpy as np

    query_count = int(queries.max()) + 1
    gain = np.bincount(queries, weights=truth * _discounts(scores, queries, depth), minlength=query_count)
    ideal = np.bincount(queries, weights=truth * _discounts(truth, queries, depth), minlength=query_count)
    values: NDArray[Any] = np.where(ideal > 0, gain, 0) / np.where(ideal > 0, ideal, 1)
    return values


def _discounts(scores: "NDArray[Any]", queries: "NDArray[Any]", depth: int | None) -> "NDArray[Any]":
    """What the place of each row within its query, by falling score, is worth; ties share theirs."""
    import numpy as np

    order = np.lexsort((-scores, queries))
    sorted_queries, sorted_scores = queries[order], scores[order]
    starts = np.flatnonzero(np.r_[True, sorted_queries[1:] != sorted_queries[:-1]])
    sizes = np.diff(np.r_[starts, len(order)])
    positions = np.arange(len(order)) - np.repeat(starts, sizes)
    worth = 1 / np.log2(positions + 2.0)
    if depth is not None:
        worth[positions >= depth] = 0
    fresh = np.r_[True, (sorted_scores[1:] != sorted_scores[:-1]) | (sorted_queries[1:] != sorted_queries[:-1])]
    tie = np.cumsum(fresh) - 1
    tie_means = (np.bincount(tie, weights=worth) / np.bincount(tie))[tie]
    discounts = np.empty(len(order))
    discounts[order] = tie_means
    return discounts
