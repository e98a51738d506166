"""The evidence for and against a worse canary: e-values that may be looked at any time, and the odds ratio's interval.

Sources: Turner, Ly & Gruenwald (2022) and Lindon & Malek (2022) for e-values of counts; Ville's inequality: under its
hypothesis an e-value ever reaches 1/alpha with a probability of at most alpha. The evidence is a sum of blocks' terms
in whole numbers: it is the same in any order, by any looks, on any machine.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.domain.failures import Refused
from shared.domain.statistics.sequential.counts import MinuteCounts, PairCounts, ShareCounts, counts_by_minute
from shared.domain.statistics.sequential.likelihoods import OddsTerms, binomial_terms, hypergeometric_terms
from shared.domain.statistics.sequential.portable import BILLION, LN2, log_sum_exp, portable_exp, portable_log

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How much worse a canary is nobody knows beforehand. A mean over six ratios has at least a sixth of the best one's
# evidence (ln 6 = 1.8 of its log), so a coarse grid costs little.
WORSE_BY = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0)  # Alternatives to the odds ratio that is tolerated.
BETTER_BY = (0.9, 0.7, 0.5, 0.35, 0.2, 0.1)  # Alternatives to the margin.
_OCTAVES, _STEPS = 6, 8  # The interval's ends are among the 2^(k/8) from 1/64 to 64.
DIGITS = 6  # Of every figure that is stored.


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsTest:
    """Two hypotheses on the odds ratio of being bad, canary to champion: at most *tolerated*, and at least *margin*.

    Evidence against the first aborts, and evidence against the second clears.
    """

    tolerated: float = 1.0
    margin: float = 2.0

    def __post_init__(self) -> None:
        # The comparisons are written so that NaN fails them.
        if not (0 < self.tolerated < float("inf") and 0 < self.margin < float("inf")):
            raise Refused(f"odds ratios lie above 0: not {self.tolerated} and {self.margin}")

    @property
    def odds(self) -> tuple[float, ...]:
        """All ratios whose likelihood is kept, in the order in which `OddsEvidence.moments` has them."""
        worse = (self.tolerated, *(self.tolerated * factor for factor in WORSE_BY))
        better = (self.margin, *(self.margin * factor for factor in BETTER_BY))
        return (*worse, *better, *interval_odds())


_WORSE = slice(0, 1 + len(WORSE_BY))
_BETTER = slice(_WORSE.stop, _WORSE.stop + 1 + len(BETTER_BY))
_INTERVAL = slice(_BETTER.stop, None)
_NEAR = slice(_OCTAVES * _STEPS - 3, _OCTAVES * _STEPS + 4)  # Of the interval's ratios: 0.77 to 1.3, with 1 itself.


@cache
def interval_odds() -> tuple[float, ...]:
    """The ratios of the confidence sequence, by multiplication alone: `2 ** (k / 8)` may differ in its last bit."""
    from math import sqrt  # IEEE 754 fixes the square root too.

    step = sqrt(sqrt(sqrt(2.0)))
    above = [1.0]
    for _ in range(_OCTAVES * _STEPS):
        above.append(above[-1] * step)
    return (*(1 / ratio for ratio in reversed(above[1:])), *above)


def near_odds() -> tuple[float, ...]:
    """Ratios to which shares of few clients may differ, 1 among them."""
    return interval_odds()[_NEAR]


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsEvidence:
    """The sum of the terms of all blocks up to the minute *through*, by the ratios of an OddsTest, and what they count.

    *hits* and *moments* (in billionths) make the log-likelihood; *canary*, *champion*, *canary_bad* and *champion_bad*
    are totals to be shown. Of a replay, *pairs* were answered by both arms.
    """

    moments: tuple[int, ...] = ()
    hits: int = 0
    canary: int = 0
    champion: int = 0
    canary_bad: int = 0
    champion_bad: int = 0
    pairs: int = 0
    through: int = -1

    def with_minutes(self, blocks: Iterable[MinuteCounts], test: OddsTest) -> "OddsEvidence":
        """With new frozen minutes. Raises Refused for a minute that has been counted: it would count twice."""
        fresh = counts_by_minute(blocks)
        if not fresh:
            return self
        self.refuse_counted(fresh[0].minute)
        counts = [(block.canary, block.champion, block.canary_bad, block.champion_bad) for block in fresh]
        canary, champion, canary_bad, champion_bad = (sum(column) for column in zip(*counts, strict=True))
        return replace(
            self._plus(hypergeometric_terms(counts, test.odds)),
            canary=self.canary + canary,
            champion=self.champion + champion,
            canary_bad=self.canary_bad + canary_bad,
            champion_bad=self.champion_bad + champion_bad,
            through=fresh[-1].minute,
        )

    def with_pairs(self, replay: Sequence[PairCounts], test: OddsTest) -> "OddsEvidence":
        """With answers of both arms to the same inputs: where only one was bad, the ratio is the odds of the canary.

        Such evidence multiplies that of traffic, because the ratio within inputs is at least as far from 1 as that over
        all of them. Raises Refused as `with_minutes` does; each input must be replayed once.
        """
        if not replay:
            return self
        self.refuse_counted(min(pair.minute for pair in replay))
        only_one = [pair.canary_only + pair.champion_only for pair in replay]
        hits = [pair.canary_only for pair in replay]
        evidence = self._plus(binomial_terms(hits, only_one, [0.5] * len(replay), test.odds))
        through = max(pair.minute for pair in replay)
        return replace(evidence, pairs=self.pairs + sum(pair.pairs for pair in replay), through=through)

    def with_shares(self, blocks: Sequence[ShareCounts], test: OddsTest) -> "OddsEvidence":
        """With the arms' shares, whose odds ratio to the shares asked for is 1 where requests are routed as asked.

        Minutes in which one arm should have had all are left out. Raises Refused as `with_minutes` does.
        """
        if not blocks:
            return self
        self.refuse_counted(min(block.minute for block in blocks))
        split = [block for block in blocks if 0 < block.percent < 100]
        canary, champion = [block.canary for block in split], [block.champion for block in split]
        trials = [hits + rest for hits, rest in zip(canary, champion, strict=True)]
        evidence = self._plus(binomial_terms(canary, trials, [block.percent / 100 for block in split], test.odds))
        return replace(
            evidence,
            canary=self.canary + sum(canary),
            champion=self.champion + sum(champion),
            through=max(block.minute for block in blocks),
        )

    def joined(self, other: "OddsEvidence") -> "OddsEvidence":
        """Both together: the product of their e-values, alternative by alternative; the totals are of this one."""
        if not self.moments or not other.moments:
            moments = self.moments or other.moments
        else:
            moments = tuple(first + second for first, second in zip(self.moments, other.moments, strict=True))
        return replace(self, hits=self.hits + other.hits, moments=moments, pairs=self.pairs + other.pairs)

    def refuse_counted(self, minute: int) -> None:
        """Raises Refused where *minute* is not after all that were counted."""
        if minute <= self.through:
            raise Refused(f"minute {minute} is not after minute {self.through}, through which minutes are counted")

    def _plus(self, terms: OddsTerms) -> "OddsEvidence":
        moments = self.moments or (0,) * terms.moments.shape[-1]
        sums = (int(term) for term in terms.moments.sum(axis=0))
        return replace(
            self,
            hits=self.hits + int(terms.hits.sum()),
            moments=tuple(old + new for old, new in zip(moments, sums, strict=True)),
        )

    def worse(self, test: OddsTest) -> float:
        """The log of the e-value against "the ratio is at most the tolerated one"."""
        return self._log_e(test, _WORSE)

    def better(self, test: OddsTest) -> float:
        """The log of the e-value against "the ratio is at least the margin"."""
        return self._log_e(test, _BETTER)

    def apart(self) -> float:
        """The log of the e-value against "the ratio is 1", for shares: alternatives are `near_odds`."""
        if not self.moments:
            return 0.0
        near = self.moments[_INTERVAL.start + _NEAR.start : _INTERVAL.start + _NEAR.stop]
        return round(float(log_e_values(self.hits, (0, *near), (1.0, *near_odds()))), DIGITS)

    def _log_e(self, test: OddsTest, part: slice) -> float:
        if not self.moments:
            return 0.0
        return round(float(log_e_values(self.hits, self.moments[part], test.odds[part])), DIGITS)

    def interval(self, confidence: float) -> "OddsInterval":
        """The odds ratio with a confidence sequence: with probability *confidence* it covers at every look at once."""
        if not self.moments:
            return OddsInterval()
        return odds_interval(self.hits, self.moments[_INTERVAL], confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsInterval:
    """An odds ratio between *low* and *high* (None: no upper end); *estimate* None where nothing can be said."""

    estimate: float | None = None
    low: float = 0.0
    high: float | None = None


def log_e_values(hits: Any, moments: Any, odds: Any) -> "NDArray[Any]":
    """Log e-values against the first of *odds*, by equal parts of the others: arrays whose last axis is the odds."""
    import numpy as np

    likelihoods = _likelihoods(hits, moments, odds)
    ratios = likelihoods[..., 1:] - likelihoods[..., :1]
    logs: NDArray[Any] = log_sum_exp(ratios) - portable_log(np.float64(ratios.shape[-1]))
    return logs


def _likelihoods(hits: Any, moments: Any, odds: Any) -> "NDArray[Any]":
    import numpy as np

    logs: NDArray[Any] = np.asarray(hits)[..., None] * portable_log(odds) - np.asarray(moments) / BILLION
    return logs


def odds_interval(hits: int, moments: Sequence[int], confidence: float) -> OddsInterval:
    """All ratios that a mixture over `interval_odds` does not refute.

    The mixture weighs 2^k with 1 / (1 + k^2): ratios near 1 are what a page is asked about.
    """
    import numpy as np

    places = np.linspace(-_OCTAVES, _OCTAVES, len(interval_odds()))
    priors = 1 / (1 + places**2)
    likelihoods = _likelihoods(hits, moments, interval_odds())
    mixture = log_sum_exp(likelihoods + portable_log(priors)) - portable_log(np.cumsum(priors)[-1])
    heights = likelihoods - (mixture + portable_log(1 - confidence))
    low = _end(places[::-1], heights[::-1])
    high = _end(places, heights)
    return OddsInterval(
        estimate=_estimate(likelihoods, places),
        low=0.0 if low is None else _power(low),
        high=None if high is None else _power(high),
    )


def _power(place: float) -> float:
    return round(float(portable_exp(place * LN2)), DIGITS)


def _end(places: "NDArray[Any]", heights: "NDArray[Any]") -> float | None:
    """A place after which no *heights* are above 0; None where the last of *places* is above it.

    The likelihood is concave, so it lies below the line through the last two places that are kept, and the end is where
    that line reaches 0, but not beyond the first place that is refuted.
    """
    import numpy as np

    kept = np.flatnonzero(heights > 0)
    last = int(kept[-1]) if len(kept) else int(heights.argmax())
    if last == len(heights) - 1:
        return None
    fall = float(heights[last - 1] - heights[last]) if last else 0.0
    steps = min(1.0, float(heights[last]) / fall) if fall > 0 and len(kept) else 1.0
    return float(places[last] + steps * (places[last + 1] - places[last]))


def _estimate(likelihoods: "NDArray[Any]", places: "NDArray[Any]") -> float | None:
    """The ratio of the highest likelihood, by a parabola through the three highest; None where all are alike."""
    import numpy as np

    highest = int(likelihoods.argmax())
    if np.ptp(likelihoods) == 0:
        return None
    if highest == 0:
        return 0.0
    if highest == len(places) - 1:
        return round(float(interval_odds()[-1]), DIGITS)
    before, top, after = (float(value) for value in likelihoods[highest - 1 : highest + 2])
    shift = (before - after) / (2 * (before - 2 * top + after))
    return _power(float(places[highest]) + shift / _STEPS)
