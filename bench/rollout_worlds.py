"""Worlds of live traffic for `rollout_statistics.py`: how requests and connections reach two arms, and what is bad.

It stands alone, so that other simulations can draw the same traffic.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from shared.domain.statistics.sequential.odds_evidence import OddsTest
from shared.domain.statistics.sequential.rollout_evidence import ArmComparison, RolloutTest

MINUTES, LOOK = 1440, 5
WEIGHTS = {"errors": 0.5, "slower": 0.3, "outputs": 0.2}
SLOW, IN_BIN = 0.05, 0.1  # Of healthy answers: slower than the champion's p95 of last week, and in a rare bin.
Counts = np.ndarray  # Of whole numbers; the last axis is canary, champion, canary_bad, champion_bad.
Series = dict[str, Counts]  # By comparison; the axes before are rollouts and minutes.


def rollout_test(tolerated: float = 1.0, margin: float = 2.0) -> RolloutTest:
    """The test of all the tables."""
    odds = OddsTest(tolerated=tolerated, margin=margin)
    return RolloutTest(
        comparisons=tuple(ArmComparison(name=name, weight=weight, test=odds) for name, weight in WEIGHTS.items())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """*draw* gives the counts that are judged, and those of the arms' shares: (canary, champion) by minute.

    A *hard* world is shown and not held against the test.
    """

    draw: Callable[[np.random.Generator, int], tuple[Series, Counts]]
    percents: np.ndarray
    test: RolloutTest = field(default_factory=rollout_test)
    hard: bool = False


STEADY = np.full(MINUTES, 10)
STEPS = np.repeat([5, 10, 25, 50, 75], MINUTES // 5)


def swinging(rate: float) -> np.ndarray:
    """A rate that rises to 19 times of itself and falls again, in waves of two and a half hours."""
    return rate * (10 + 9 * np.sin(np.arange(MINUTES) / 24))


def requests(
    chance: np.random.Generator,
    rollouts: int,
    *,
    percents: np.ndarray = STEADY,
    rates: np.ndarray | float = 0.01,
    odds: float = 1.0,
    per_minute: float = 100,
) -> tuple[Series, Counts]:
    """Requests that are routed one by one. The canary's are bad in all respects with *odds* times the champion's odds.

    A request that fails is slow as well, so the comparisons depend on each other.
    """
    units = chance.poisson(per_minute, (rollouts, len(percents)))
    canary = chance.binomial(units, percents / 100)
    arms = canary, units - canary
    errors = [chance.binomial(arm, worse(rates, ratio)) for arm, ratio in zip(arms, (odds, 1.0), strict=True)]
    slow = [
        bad + chance.binomial(arm - bad, worse(SLOW, ratio))
        for arm, bad, ratio in zip(arms, errors, (odds, 1.0), strict=True)
    ]
    outputs = [chance.binomial(arm, worse(IN_BIN, ratio)) for arm, ratio in zip(arms, (odds, 1.0), strict=True)]
    series = {"errors": errors, "slower": slow, "outputs": outputs}
    return {name: np.stack([*arms, *bad], -1) for name, bad in series.items()}, np.stack(arms, -1)


def worse(rates: np.ndarray | float, odds: float) -> np.ndarray | float:
    return odds * rates / (1 - rates + odds * rates)


def connections(
    chance: np.random.Generator,
    rollouts: int,
    *,
    by_request: bool,
    size: int = 20,
    unequal: bool = True,
    percents: np.ndarray = STEADY,
) -> tuple[Series, Counts]:
    """Connections of *size* requests that stay on one arm, both arms alike; 100 requests a minute on average.

    Of *unequal* ones a twentieth has 20 % errors and the others none; of equal ones all have 1 %.
    """
    units = chance.poisson(100 / size, (rollouts, len(percents)))
    canary = chance.binomial(units, percents / 100)
    arms = canary, units - canary
    counted = [arm * size if by_request else arm for arm in arms]
    failing = [chance.binomial(arm, 0.05) if unequal else arm for arm in arms]
    error_rate = 0.2 if unequal else 0.01
    series = {
        "errors": [_bad(chance, arm, size, error_rate, by_request) for arm in failing],
        "slower": [_bad(chance, arm, size, SLOW, by_request) for arm in arms],
        "outputs": [_bad(chance, arm, size, IN_BIN, by_request) for arm in arms],
    }
    return {name: np.stack([*counted, *bad], -1) for name, bad in series.items()}, np.stack(counted, -1)


def _bad(chance: np.random.Generator, arm: np.ndarray, size: int, rate: float, by_request: bool) -> np.ndarray:
    return chance.binomial(arm * size, rate) if by_request else chance.binomial(arm, 1 - (1 - rate) ** size)


def long_connections(chance: np.random.Generator, rollouts: int) -> tuple[Series, Counts]:
    """A hundred clients that stay on one arm all day, with a request a minute on average; five have 20 % errors."""
    failing = chance.binomial(5, 0.1, (rollouts, 1))
    clients = failing + chance.binomial(95, 0.1, (rollouts, 1))
    sizes = (rollouts, MINUTES)
    faulty = [chance.poisson(number, sizes) for number in (failing, 5 - failing)]
    arms = [
        some + chance.poisson(number, sizes)
        for some, number in zip(faulty, (clients - failing, 95 - clients + failing), strict=True)
    ]
    rates = {"slower": SLOW, "outputs": IN_BIN}
    series = {"errors": [chance.binomial(some, 0.2) for some in faulty]}
    series |= {name: [chance.binomial(arm, rate) for arm in arms] for name, rate in rates.items()}
    return {name: np.stack([*arms, *bad], -1) for name, bad in series.items()}, np.stack(arms, -1)


HEALTHY = {
    "errors 1 %": World(draw=requests, percents=STEADY),
    "errors 0.5 to 9.5 %, in waves": World(draw=partial(requests, rates=swinging(0.005)), percents=STEADY),
    "the same, weights 5, 10, 25, 50, 75": World(
        draw=partial(requests, rates=swinging(0.005), percents=STEPS), percents=STEPS
    ),
    "odds ratio exactly at the tolerated 1.25": World(
        draw=partial(requests, odds=1.25), percents=STEADY, test=rollout_test(1.25, 2.5)
    ),
    "errors 0.1 %, weight 5": World(draw=partial(requests, rates=0.001, percents=STEADY // 2), percents=STEADY // 2),
    "unequal connections of 20, by connection": World(draw=partial(connections, by_request=False), percents=STEADY),
}
CLUSTERS = {
    f"{'unequal' if unequal else 'equal'} connections of {size}, by {'request' if by_request else 'connection'}": World(
        draw=partial(connections, by_request=by_request, size=size, unequal=unequal), percents=STEADY
    )
    for size, unequal in ((20, True), (5, True), (20, False))
    for by_request in (True, False)
}
CLUSTERS["a hundred clients that stay all day, by request"] = World(draw=long_connections, percents=STEADY, hard=True)
