"""How many rows (or groups of rows) of the rarest kind a comparison rests on.

A thousand rows with one positive among them say as much about recall as one row: an interval needs rows of each kind.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from shared.domain.metrics.catalogue import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = dict[str, "NDArray[Any]"]
_BOTH_CLASSES = ("auc", "average_precision")
_EACH_CLASS = ("macro_f1", "balanced_accuracy")


def support_of(metric: Metric, columns: Columns, groups: "NDArray[Any] | None") -> dict[str, int]:
    """The number of rows of each kind that *metric* rests on, by what they are; with *groups*, of groups with them.

    *columns* are the checked truth, champion and challenger. Empty for a metric to which every row contributes.
    """
    import numpy as np

    def count(mask: Any) -> int:
        return int(mask.sum()) if groups is None else len(np.unique(groups[mask]))

    return {kind: count(mask) for kind, mask in _kinds(metric, columns)}


def _kinds(metric: Metric, columns: Columns) -> Iterator[tuple[str, Any]]:
    import numpy as np

    truth, champion, challenger = columns["truth"], columns["champion"], columns["challenger"]
    if metric.name in ("recall", "f1", *_BOTH_CLASSES):
        yield "positive", truth == 1
    if metric.name in _BOTH_CLASSES:
        yield "negative", truth == 0
    if metric.name == "f1":
        yield "predicted positive", (champion == 1) | (challenger == 1)
    if metric.name == "precision":  # Without a positive prediction there is no precision to compare with.
        yield "predicted positive by the champion", champion == 1
        yield "predicted positive by the challenger", challenger == 1
    if metric.name in _EACH_CLASS or metric.name == "mcc":
        names, counts = np.unique(truth, return_counts=True)
        usual = truth == names[np.argmax(counts)]
        rarest = truth == names[np.argmin(counts)]
        yield ("outside the most frequent class", ~usual) if metric.name == "mcc" else ("of the rarest class", rarest)
