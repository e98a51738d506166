"""Whether units are routed one by one: the spread of the canary's bad units between minutes, against chance.

Where a client's requests stay on one arm, bad ones come to an arm in clusters, and counts of requests prove too much.
Two successive minutes with one odds ratio, whatever it is, fix how their bad units are divided between them (the
ratio cancels in the conditional distribution). More uneven divisions than that are evidence of clusters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.sequential.counts import MinuteCounts
from shared.domain.statistics.sequential.portable import BILLION, billionths, log_sum_exp, portable_log

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLUSTERS = (1.5, 2.0, 4.0, 8.0)  # How many times as large as chance makes it, roughly, the variance is.
_MOST = 1.3862943611198906  # ln 4: a canary that breaks between two minutes is no proof of clusters by itself.
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadEvidence:
    """The logs of the e-values of each of CLUSTERS, in billionths, and the minute that waits for its successor."""

    logs: tuple[int, ...] = (0,) * len(CLUSTERS)
    waiting: MinuteCounts | None = None

    def with_minutes(self, blocks: Sequence[MinuteCounts]) -> "SpreadEvidence":
        """With new minutes, in order. Those are paired in which chance could have divided the bad units in two ways."""
        unpaired = [] if self.waiting is None else [self.waiting]
        open_minutes = [*unpaired, *(block for block in blocks if is_open(block))]
        even = len(open_minutes) // 2 * 2
        logs = self.logs
        if even:
            counts = [(block.canary, block.champion, block.canary_bad, block.champion_bad) for block in open_minutes]
            terms = spread_terms(counts[0:even:2], counts[1:even:2]).sum(axis=0)
            logs = tuple(old + int(new) for old, new in zip(logs, terms, strict=True))
        return SpreadEvidence(logs=logs, waiting=open_minutes[even] if len(open_minutes) > even else None)

    def clustered(self) -> float:
        """The log of the e-value against "units are routed one by one"."""
        return round(float(log_spread(self.logs)), _DIGITS)


def is_open(block: MinuteCounts) -> bool:
    """Whether the margins leave the canary's number of bad units open."""
    bad = block.canary_bad + block.champion_bad
    return min(block.canary, bad) > max(0, bad - block.champion)


def log_spread(logs: Any) -> "NDArray[Any]":
    """The log e-value of equal parts of all CLUSTERS, which are the last axis."""
    import numpy as np

    mixture: NDArray[Any] = log_sum_exp(np.asarray(logs) / BILLION) - portable_log(np.float64(len(CLUSTERS)))
    return mixture


def spread_terms(first: Any, second: Any) -> "NDArray[Any]":
    """For pairs of minutes, as (canary, champion, canary_bad, champion_bad): the log e-values, in billionths.

    The last axis of the result is CLUSTERS. An alternative's distribution is chance's to the power 1/cluster, made to
    sum to 1: its log ratio to chance at what happened. It is cut at ln 4, which can only make an e-value smaller.
    """
    import numpy as np

    chance, at = _divisions(np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64))
    observed = np.take_along_axis(chance, at[..., None], axis=-1)[..., 0]
    observed = observed - log_sum_exp(chance)
    ratios = []
    for cluster in CLUSTERS:
        wider = chance / cluster
        log_wider = np.take_along_axis(wider, at[..., None], axis=-1)[..., 0] - log_sum_exp(wider)
        ratios.append(np.minimum(log_wider - observed, _MOST))
    return billionths(np.stack(ratios, axis=-1))


def _divisions(first: "NDArray[Any]", second: "NDArray[Any]") -> tuple["NDArray[Any]", "NDArray[Any]"]:
    """The logs of the chances of each number in the first minute, up to a constant, and which of them happened."""
    import numpy as np

    canary, champion, hits, _ = np.moveaxis(first, -1, 0)
    canary_after, champion_after, hits_after, _ = np.moveaxis(second, -1, 0)
    bad, bad_after = first[..., 2:].sum(axis=-1), second[..., 2:].sum(axis=-1)
    both = hits + hits_after
    fewest = np.maximum.reduce([0 * bad, bad - champion, both - canary_after, both - bad_after])
    most = np.minimum.reduce([canary, bad, both, both + champion_after - bad_after])
    length = int((most - fewest).max(initial=0))
    start = fewest[..., None] + np.arange(length)
    inside = start < most[..., None]
    # The ratio of each number's chance to that of the number before: two hypergeometric ratios, one going down.
    above = _product(canary, -start, bad, -start) * _product(both, -start, champion_after - bad_after + both, -start)
    below = _product(0 * bad, start + 1, champion - bad, start + 1) * _product(
        canary_after - both, start + 1, bad_after - both, start + 1
    )
    steps = portable_log(np.where(inside, above, 1.0) / np.where(inside, below, 1.0))
    logs = np.concatenate([np.zeros((*bad.shape, 1)), np.cumsum(steps, axis=-1)], axis=-1)
    logs[..., 1:][~inside] = -np.inf
    return logs, hits - fewest


def _product(first: "NDArray[Any]", step: "NDArray[Any]", second: "NDArray[Any]", other: "NDArray[Any]") -> Any:
    return (first[..., None] + step).astype(float) * (second[..., None] + other)
