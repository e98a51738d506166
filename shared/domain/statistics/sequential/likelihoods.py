"""What one block of counts says about an odds ratio: likelihoods of many ratios at once, for arrays of blocks.

Sources: Fisher's noncentral hypergeometric distribution (Fog 2008); McNemar (1947) for pairs.
A log-likelihood is `hits * ln(ratio) - moments(ratio)`, and 0 at the ratio 1, so that blocks add up term by term.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.domain.statistics.sequential.portable import LN2, billionths, portable_log

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCALE = 2.0**-512


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsTerms:
    """The terms of blocks: *hits*, of the blocks' shape, and *moments*, in billionths, with an axis of odds ratios."""

    hits: "NDArray[Any]"
    moments: "NDArray[Any]"


def hypergeometric_terms(counts: Any, odds: Any) -> OddsTerms:
    """Of *counts*, whose last axis is (canary, champion, canary_bad, champion_bad), for each ratio of *odds*.

    Given how many units each arm had and how many were bad in all, the canary's bad ones are hypergeometric where both
    arms are equal, whatever the rate of errors was just then. A block whose margins fix the canary's number is 0 in
    every term.
    """
    import numpy as np

    canary, champion, canary_bad, champion_bad = np.moveaxis(np.asarray(counts, dtype=np.int64), -1, 0)
    bad = canary_bad + champion_bad
    fewest, most = np.maximum(0, bad - champion), np.minimum(canary, bad)
    ratios = np.concatenate([np.asarray(odds, dtype=float), [1.0]])
    sums, powers = np.ones((*bad.shape, len(ratios))), np.zeros((*bad.shape, len(ratios)))
    ones = np.ones_like(sums)
    # The sum over u of C(canary, u) C(champion, bad - u) ratio^u, over its first term, from the inside out. Where it
    # grows beyond a double, it and the 1 to be added are scaled down together.
    for step in range(int((most - fewest).max(initial=0)), 0, -1):
        hit = fewest + step
        # A block with fewer steps has a factor of 0 here, which leaves its sum at 1.
        above = np.maximum(canary - hit + 1, 0) * np.maximum(bad - hit + 1, 0)
        below = np.maximum(hit * (champion - bad + hit), 1)
        sums = ones + (above / below)[..., None] * ratios * sums
        large = sums > 1 / _SCALE
        if large.any():
            sums, ones = np.where(large, sums * _SCALE, sums), np.where(large, ones * _SCALE, ones)
            powers += 512 * large
    logs = portable_log(sums) + powers * LN2
    return OddsTerms(hits=canary_bad - fewest, moments=billionths(logs[..., :-1] - logs[..., -1:]))


def binomial_terms(hits: Any, trials: Any, shares: Any, odds: Any) -> OddsTerms:
    """Of *hits* among *trials*, which have the probability *shares* at the odds ratio 1: arrays of one shape."""
    import numpy as np

    share, ratios = np.asarray(shares, dtype=float)[..., None], np.asarray(odds, dtype=float)
    logs = np.asarray(trials, dtype=np.int64)[..., None] * portable_log(1 - share + share * ratios)
    return OddsTerms(hits=np.asarray(hits, dtype=np.int64), moments=billionths(logs))
