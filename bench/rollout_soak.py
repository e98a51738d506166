"""Whole rollouts with outputs and a soak: how often healthy versions are aborted, and how soon one that turns bad is.

It is the tables `soak` and `turned` of `rollout_statistics.py`: twelve hours of steps beside the champion, then twelve
hours of soak, compared with the same hours of the week before. One alpha holds for both.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from bench.rollout_worlds import (
    IN_BIN,
    LOOK,
    SLOW,
    WEIGHTS,
    Counts,
    Series,
    World,
    connections,
    requests,
    rollout_test,
    worse,
)
from shared.domain.statistics.sequential.odds_evidence import WORSE_BY, OddsTest, log_e_values
from shared.domain.statistics.sequential.portable import log_sum_exp
from shared.domain.statistics.sequential.verdicts import DOUBT

PART, TOLERATED = 0.2, 1.5  # The defaults of `Soak`.
SHARED = np.repeat([5, 10, 25, 50], 180)
HALF_DAY = 720
Rates = np.ndarray | float


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakWorld:
    """The share of errors in the soak (*rates*), its odds to those of the week before (*odds*), and how many bad
    units come together (*burst*). A unit is a request, of which 100 come in a minute, or a connection. A *hard* world
    breaks what the test assumes: it is shown and not held against it.
    """

    rates: Rates = 0.01
    slow: float = SLOW
    in_bin: float = IN_BIN
    per_minute: float = 100
    odds: float = 1.0
    burst: int = 1
    hard: bool = False
    shared: World = field(
        default_factory=lambda: World(
            draw=partial(requests, percents=SHARED), percents=SHARED, test=rollout_test(margin=3.0)
        )
    )

    def draw(self, chance: np.random.Generator, rollouts: int) -> Series:
        """The soak's minutes: canary now, champion a week before."""
        now, before = (chance.poisson(self.per_minute, (rollouts, HALF_DAY)) for _ in range(2))
        series = {}
        for name, rate in (("errors", self.rates), ("slower", self.slow), ("outputs", self.in_bin)):
            bad = [self._bad(chance, now, worse(rate, self.odds)), self._bad(chance, before, rate)]
            series[name] = np.stack([now, before, *bad], -1)
        return series

    def _bad(self, chance: np.random.Generator, units: Counts, rate: Rates) -> Counts:
        return np.minimum(units, self.burst * chance.binomial(units, np.asarray(rate) / self.burst))


_WAVES = 0.005 * (10 + 9 * np.sin(np.arange(HALF_DAY) / 24))
_INCIDENT = np.where((np.arange(HALF_DAY) >= 300) & (np.arange(HALF_DAY) < 330), 12.0, 1.0)  # Half an hour of 11 %.
_SIZE = 20  # Requests of a connection.


def _connections(unequal: bool) -> SoakWorld:
    """Each connection counts once, in the steps as in the soak; it is bad if one of its requests is."""
    failing, error_rate = (0.05, 0.2) if unequal else (1.0, 0.01)
    errors, slow, in_bin = (1 - (1 - rate) ** _SIZE for rate in (error_rate, SLOW, IN_BIN))
    draw = partial(connections, by_request=False, size=_SIZE, unequal=unequal, percents=SHARED)
    shared = World(draw=draw, percents=SHARED, test=rollout_test(margin=3.0))
    return SoakWorld(rates=failing * errors, slow=slow, in_bin=in_bin, per_minute=100 / _SIZE, shared=shared)


SOAKS = {
    "errors 1 %": SoakWorld(),
    "errors 0.5 to 9.5 %, in waves of both weeks": SoakWorld(rates=_WAVES),
    "odds to the week before exactly at the tolerated 1.5": SoakWorld(odds=TOLERATED),
    "bad requests come eight at a time": SoakWorld(burst=8),
    "odds 1.5, and eight at a time": SoakWorld(odds=TOLERATED, burst=8),
    "half an hour with 11 % errors this week alone": SoakWorld(odds=_INCIDENT, hard=True),  # type: ignore[arg-type]
    "unequal connections of 20, by connection": _connections(unequal=True),
    "equal connections of 20, by connection": _connections(unequal=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakLooks:
    """Logs of the evidence of whole rollouts at every look of the steps, and at every look of the soak."""

    steps: np.ndarray
    soak: np.ndarray
    incautious: np.ndarray  # The soak, if its units counted whole.


def soak_looks(shared_worse: np.ndarray, soak: Series) -> SoakLooks:
    """The weighted mean of both parts' e-values; before the soak its part is 1, and in it the steps' part stays."""
    odds = OddsTest(tolerated=TOLERATED, margin=3.0).odds[: 1 + len(WORSE_BY)]
    logs = {name: _log_e(counts, odds) for name, counts in soak.items()}
    parts = np.array([WEIGHTS[name] for name in logs])
    weights = np.log(parts / parts.sum())
    whole = np.stack(list(logs.values()), -1)
    last = shared_worse[:, -1:]
    return SoakLooks(
        steps=_mixed(shared_worse, np.zeros_like(shared_worse)),
        soak=_mixed(last, log_sum_exp(whole / DOUBT + weights)),
        incautious=_mixed(last, log_sum_exp(whole + weights)),
    )


def _log_e(counts: Counts, odds: tuple[float, ...]) -> np.ndarray:
    from bench.rollout_statistics import at_looks, terms_of
    from shared.domain.statistics.sequential.likelihoods import hypergeometric_terms

    hits, moments = (at_looks(term) for term in terms_of(counts, partial(hypergeometric_terms, odds=odds)))
    return log_e_values(hits, moments, odds)


def _mixed(steps: np.ndarray, soak: np.ndarray) -> np.ndarray:
    parts = np.broadcast_arrays(steps + math.log(1 - PART), soak + math.log(PART))
    return log_sum_exp(np.stack(parts, -1))


def soak_aborts(world: SoakWorld, looks_of: Callable, seed: int, rollouts: int) -> np.ndarray:  # type: ignore[type-arg]
    """Shares of rollouts: aborted in the steps or the soak, in the soak alone, and if its units counted whole."""
    chance = np.random.default_rng((seed, 11))
    series, shares = world.shared.draw(chance, rollouts)
    looks = looks_of(series, shares, world.shared)
    test, evidence = world.shared.test, soak_looks(looks.worse, world.draw(chance, rollouts))
    level = math.log(1 / test.alpha)
    clustered = looks.clustered >= math.log(1 / test.spread_alpha)
    trusted = ~clustered & ~looks.stops(test)
    in_steps = ((evidence.steps >= level) & trusted).any(1)
    goes_on = ~in_steps & trusted[:, -1]
    in_soak, whole = ((logs >= level).any(1) & goes_on for logs in (evidence.soak, evidence.incautious))
    return np.array([(in_steps | in_soak).mean(), in_soak.mean(), (in_steps | whole).mean()])


def minutes_until_abort(odds: float, seed: int, rollouts: int) -> np.ndarray:
    """Of a soak in which the version has become worse by *odds* in errors alone; infinite where it is not aborted."""
    chance = np.random.default_rng((seed, 12))
    now, before = (chance.poisson(100, (rollouts, HALF_DAY)) for _ in range(2))
    quiet = SoakWorld().draw(chance, rollouts)
    bad = [chance.binomial(now, worse(0.01, odds)), chance.binomial(before, 0.01)]
    series = quiet | {"errors": np.stack([now, before, *bad], -1)}
    crossed = soak_looks(np.zeros((rollouts, 1)), series).soak >= math.log(100)
    return np.where(crossed.any(1), LOOK * (1.0 + crossed.argmax(1)), np.inf)
