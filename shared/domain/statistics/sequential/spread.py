"""Whether units are routed one by one: how the canary's share varies between minutes, against chance.

Where a client's requests stay on one arm, good and bad ones come to an arm in clusters, and counts of requests prove
too much. Two successive minutes with one probability of the canary, whatever it is, fix how its units are divided
between them (hypergeometric). Divisions that are more uneven, or more even, are evidence against that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.sequential.counts import ShareCounts
from shared.domain.statistics.sequential.portable import BILLION, billionths, log_sum_exp, portable_log

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Alternatives, by how many times as large as chance makes it the variance is, roughly: as large as clusters are, or
# smaller where the same clients come every minute.
WIDER, NARROWER = (2.0, 4.0, 8.0, 16.0), (0.5, 0.25)
_MOST = 2.302585092994046  # ln 10: one minute in which the weights changed proves nothing by itself.
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadEvidence:
    """The logs of the e-values of WIDER and NARROWER, in billionths, after *pairs* pairs of minutes.

    *waiting* is the minute that has no partner yet.
    """

    logs: tuple[int, ...] = (0,) * len(WIDER + NARROWER)
    pairs: int = 0
    waiting: ShareCounts | None = None

    def with_shares(self, blocks: Iterable[ShareCounts]) -> "SpreadEvidence":
        """With new minutes. Those of one weight are paired, in order, where chance could have divided the units."""
        evidence, pairs = self, []
        for block in sorted(blocks, key=lambda block: block.minute):
            if not (block.canary + block.champion and 0 < block.percent < 100):
                continue
            before = evidence.waiting
            # Minutes of two weights have two probabilities by design: to pair them would show clusters that are none.
            if before is None or before.percent != block.percent:
                evidence = replace(evidence, waiting=block)
                continue
            evidence = replace(evidence, waiting=None)
            if before.canary + block.canary and before.champion + block.champion:
                pairs.append((before.canary, before.champion, block.canary, block.champion))
        if not pairs:
            return evidence
        terms = spread_terms(pairs).sum(axis=0)
        logs = tuple(old + int(new) for old, new in zip(self.logs, terms, strict=True))
        return replace(evidence, logs=logs, pairs=self.pairs + len(pairs))

    def clustered(self, narrow: bool) -> float:
        """The log of the e-value against "units are routed one by one, by chance"; with *narrow* also if too evenly."""
        return round(float(log_spread(self.logs, narrow)), _DIGITS)


def log_spread(logs: Any, narrow: bool) -> "NDArray[Any]":
    """The log e-value of equal parts of the alternatives, which are the last axis of *logs*."""
    import numpy as np

    kept = np.asarray(logs) if narrow else np.asarray(logs)[..., : len(WIDER)]
    mixture: NDArray[Any] = log_sum_exp(kept / BILLION) - portable_log(np.float64(kept.shape[-1]))
    return mixture


def spread_terms(pairs: Any) -> "NDArray[Any]":
    """For pairs of minutes, (canary, champion, canary after, champion after): the log e-values, in billionths.

    The last axis of the result is WIDER and NARROWER. An alternative is chance's distribution to the power 1/factor,
    made to sum to 1: its log ratio to chance at what happened. It is cut at ln 10, which only makes an e-value smaller.
    """
    import numpy as np

    chance, place = _divisions(np.asarray(pairs, dtype=np.int64))
    observed = np.take_along_axis(chance, place[..., None], axis=-1)[..., 0] - log_sum_exp(chance)
    ratios = []
    for factor in WIDER + NARROWER:
        changed = chance / factor
        log_share = np.take_along_axis(changed, place[..., None], axis=-1)[..., 0] - log_sum_exp(changed)
        ratios.append(np.minimum(log_share - observed, _MOST))
    return billionths(np.stack(ratios, axis=-1))


def _divisions(pairs: "NDArray[Any]") -> tuple["NDArray[Any]", "NDArray[Any]"]:
    """The logs of the chances of each number of the first minute, up to a constant, and which of them happened."""
    import numpy as np

    canary, champion, canary_after, champion_after = np.moveaxis(pairs, -1, 0)
    units, units_after, both = canary + champion, canary_after + champion_after, canary + canary_after
    fewest, most = np.maximum(0, both - units_after), np.minimum(units, both)
    number = fewest[..., None] + np.arange(int((most - fewest).max(initial=0)))
    inside = number < most[..., None]
    # The ratio of each number's chance to that of the number before.
    above = (units[..., None] - number) * (both[..., None] - number)
    below = (number + 1) * (units_after[..., None] - both[..., None] + number + 1)
    steps = portable_log(np.where(inside, above, 1) / np.where(inside, below, 1))
    logs = np.concatenate([np.zeros((*units.shape, 1)), np.cumsum(steps, axis=-1)], axis=-1)
    logs[..., 1:][~inside] = -np.inf
    return logs, canary - fewest
