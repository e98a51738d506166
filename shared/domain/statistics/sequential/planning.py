"""How long a rollout's test will take: requests until an abort and until it clears, before any traffic was counted.

Computed from probabilities of rare bad units, without numpy, in milliseconds: for the check of a configuration.
docs/rollout.md compares the figures with simulations of the test itself.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from shared.domain.failures import Refused
from shared.domain.statistics.sequential.odds_evidence import BETTER_BY, WORSE_BY, OddsTest

_WATCHED_MINUTES = 10  # Five pairs of minutes: WATCHED_PAIRS of `verdicts.py`.
_HALVINGS = 60
_MOST_STEPS = 1500  # Where more bad units are expected, a formula is as good.
_NEGLIGIBLE = 1e-9
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedTraffic:
    """What traffic is expected: *per_hour* units of both arms, of which *percent* go to the canary.

    The share *bad_rate* of the champion's units is bad. *look_minutes* is the time between looks.
    """

    bad_rate: float
    percent: float
    per_hour: float
    look_minutes: float = 5.0

    def __post_init__(self) -> None:
        # The comparisons are written so that NaN fails them.
        sizes = (self.per_hour, self.look_minutes)
        if not (0 < self.bad_rate < 1 and 0 < self.percent < 100 and all(0 < size < math.inf for size in sizes)):
            raise Refused(f"nothing can be expected of such traffic: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDuration:
    """Half of the rollouts are decided within *canary_units* and *hours*, nine of ten within the `slow_` figures.

    Infinite where a decision is never sure to come.
    """

    canary_units: float
    slow_canary_units: float
    hours: float
    slow_hours: float


def until_abort(
    traffic: ExpectedTraffic, test: OddsTest, alpha: float, odds: float, weight: float = 1.0
) -> ExpectedDuration:
    """Until a canary that is worse by *odds* is aborted, by a comparison with this part of all *weight*.

    Raises Refused where *odds* are not above what is tolerated: such a canary is not aborted.
    """
    if not odds > test.tolerated:
        raise Refused(f"a canary with an odds ratio of {odds:g} is tolerated, and never aborted")
    return _duration(traffic, test.tolerated, WORSE_BY, odds, math.log(1 / (alpha * weight)))


def until_cleared(traffic: ExpectedTraffic, test: OddsTest, beta: float, odds: float = 1.0) -> ExpectedDuration:
    """Until a canary that differs by *odds* from the champion is cleared. Raises Refused where the margin is below."""
    if not odds < test.margin:
        raise Refused(f"a canary with an odds ratio of {odds:g} is not below the margin of {test.margin:g}")
    return _duration(traffic, test.margin, BETTER_BY, odds, math.log(1 / beta))


def _duration(
    traffic: ExpectedTraffic, null: float, factors: Sequence[float], odds: float, barrier: float
) -> ExpectedDuration:
    true, low = _canary_part(traffic, odds), _canary_part(traffic, null)
    highs = [_canary_part(traffic, null * factor) for factor in factors]
    steps = [(math.log(high / low), math.log((1 - high) / (1 - low))) for high in highs]
    share = traffic.percent / 100
    bad_per_canary_unit = _rate(traffic.bad_rate, odds) + traffic.bad_rate * (1 - share) / share
    hourly = traffic.per_hour * share
    a_look = hourly * traffic.look_minutes / 60
    # Before the routing has been watched, only overwhelming evidence decides. Later, the evidence crosses its threshold
    # between two looks, on average in the middle.
    soonest = a_look * math.ceil(_WATCHED_MINUTES / traffic.look_minutes)
    usual, slow = (
        max(soonest, bad_units / bad_per_canary_unit + a_look / 2) for bad_units in _bad_units(true, steps, barrier)
    )
    return ExpectedDuration(canary_units=usual, slow_canary_units=slow, hours=usual / hourly, slow_hours=slow / hourly)


def _canary_part(traffic: ExpectedTraffic, odds: float) -> float:
    """The probability that a bad unit is the canary's."""
    share = traffic.percent / 100
    canary = share * _rate(traffic.bad_rate, odds)
    return canary / (canary + (1 - share) * traffic.bad_rate)


def _rate(bad_rate: float, odds: float) -> float:
    return odds * bad_rate / (1 - bad_rate + odds * bad_rate)


def _bad_units(true: float, steps: Sequence[tuple[float, float]], barrier: float) -> tuple[float, float]:
    """The median and the ninth decile of the bad units until the evidence crosses the *barrier*.

    Each bad unit is the canary's with the probability *true*. *steps* are what a bad unit of the canary and of the
    champion add to the log-likelihood ratio of each alternative.
    """
    drift, variance = max(
        (true * canary + (1 - true) * champion, true * (1 - true) * (canary - champion) ** 2)
        for canary, champion in steps
    )
    height = barrier + math.log(len(steps))
    if drift <= 0:
        return math.inf, math.inf  # Too near to the hypothesis for any of the alternatives.
    if height / drift > _MOST_STEPS:
        mean, shape = height / drift, height**2 / variance  # A sum of many steps (Wald 1947).
        return _inverse_gaussian(0.5, mean, shape), _inverse_gaussian(0.9, mean, shape)
    return _first_passage(true, steps, height)


def _first_passage(true: float, steps: Sequence[tuple[float, float]], height: float) -> tuple[float, float]:
    """The same quantiles, from the probabilities of every number of the canary's bad units, step by step."""
    rising = steps[0][0] > 0  # Evidence for a worse canary grows with its bad units; that for a better one falls.
    chances, fewest, total, crossed, median = deque([1.0]), 0, 0, 0.0, 0.0
    while True:
        total += 1
        chances = deque(
            stay * (1 - true) + come * true for stay, come in zip((*chances, 0.0), (0.0, *chances), strict=True)
        )
        before = crossed
        while chances and _crosses(steps, height, fewest + (len(chances) - 1 if rising else 0), total):
            crossed += chances.pop() if rising else chances.popleft()
            fewest += not rising
        if before < 0.5 <= crossed:
            median = total - (crossed - 0.5) / (crossed - before)
        if crossed >= 0.9:
            return median, total - (crossed - 0.9) / (crossed - before)
        while chances[0] < _NEGLIGIBLE:
            chances.popleft()
            fewest += 1
        while chances[-1] < _NEGLIGIBLE:
            chances.pop()


def _crosses(steps: Sequence[tuple[float, float]], height: float, hits: int, total: int) -> bool:
    logs = [hits * canary + (total - hits) * champion for canary, champion in steps]
    highest = max(logs)
    return highest + math.log(sum(math.exp(log - highest) for log in logs)) >= height


def _inverse_gaussian(level: float, mean: float, shape: float) -> float:
    """The quantile at *level*, by bisection of the distribution function."""

    def below(value: float) -> float:
        root = math.sqrt(shape / value)
        tail = _NORMAL.cdf(-root * (value / mean + 1))
        # The exponential overflows where the tail vanishes, so they are multiplied as logarithms.
        mirrored = math.exp(2 * shape / mean + math.log(tail)) if tail > 0 else 0.0
        return _NORMAL.cdf(root * (value / mean - 1)) + mirrored

    low, high = 0.0, mean
    while below(high) < level:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if below(middle) >= level else (middle, high)
    return high
