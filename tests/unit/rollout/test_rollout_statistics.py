"""The benches of a rollout's test in short, with fixed seeds: no luck can fail them. `make proofs` runs them whole."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench import rollout_statistics as bench
from bench.rollout_soak import PART, SoakWorld, soak_looks
from bench.rollout_worlds import CLUSTERS, HEALTHY, LOOK, WEIGHTS, World, requests, rollout_test
from shared.domain.rollout.policy import RolloutPolicy, Soak, SoakReference, TrafficStep
from shared.domain.statistics.sequential.counts import MinuteCounts, ShareCounts
from shared.domain.statistics.sequential.rollout_evidence import LookCounts, RolloutEvidence
from shared.domain.statistics.sequential.verdicts import RolloutVerdict, judge_rollout
from tests.amounts import amount

ROLLOUTS = amount(20, 4000)
NAMES = ("canary", "champion", "canary_bad", "champion_bad")


@pytest.mark.long
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_canaries_are_rarely_aborted_by_looking_often(name):
    world = HEALTHY[name]
    aborted, by_z, by_any_z, _, untrusted = bench.abort_shares(world, ROLLOUTS, seed=7)

    assert aborted <= bench.limit(world.test.alpha, ROLLOUTS)
    assert untrusted <= bench.limit(world.test.spread_alpha + world.test.share_alpha, ROLLOUTS)
    assert by_any_z > by_z > aborted


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in CLUSTERS if name.startswith("unequal connections of 20")])
def test_connections_that_stay_on_one_arm_abort_nobody(name, monkeypatch):
    monkeypatch.setattr(bench, "CLUSTERS", {name: CLUSTERS[name]})

    assert bench.clusters(ROLLOUTS) == []


@pytest.mark.long
def test_the_planning_agrees_with_simulations(monkeypatch):
    monkeypatch.setattr(bench, "BASE_RATES", amount((0.05,), (0.001, 0.01, 0.05)))
    monkeypatch.setattr(bench, "PERCENTS", amount((10, 50), (5, 10, 25, 50)))

    assert bench.decided(amount(300, 1000)) == []


@pytest.mark.long
def test_replays_abort_equal_arms_rarely():
    assert bench.replay(amount(50, 4000)) == []


@pytest.mark.long
def test_healthy_rollouts_with_outputs_and_a_soak_are_rarely_aborted():
    assert bench.soak(amount(5, 4000)) == []


@pytest.mark.long
def test_a_version_that_turns_bad_in_the_soak_is_found():
    assert bench.turned(amount(10, 1000)) == []


def test_the_bench_judges_a_soak_as_the_app_does():
    """Two hours of one soak, look by look, after an hour beside the champion: the mean of both is one e-value."""
    policy = RolloutPolicy(steps=(TrafficStep(weight=100),), soak=Soak(compare=SoakReference.WEEK_BEFORE, part=PART))
    errors, apart = policy.test.comparisons
    test = replace(policy.test, comparisons=(errors, apart))
    percents, chance = np.full(60, 10), np.random.default_rng(9)
    series, shares = requests(chance, 1, percents=percents, rates=0.02)
    beside = {"errors": series["errors"]}
    world = World(draw=requests, percents=percents, test=replace(test, comparisons=(errors,)))
    soak = {"errors": SoakWorld(odds=6.0).draw(chance, 1)["errors"][:, :120]}
    looks = soak_looks(bench.looks_of(beside, shares, world).worse, soak)
    evidence = RolloutEvidence()
    for number, start in enumerate(range(0, 60, LOOK)):
        minutes = range(start, start + LOOK)
        counted = counts_of(series, shares, percents, minutes)
        evidence = evidence.with_look(replace(counted, minutes={"errors": counted.minutes["errors"]}), test)

        assert judge_rollout(evidence, test).worse == pytest.approx(looks.steps[0, number], abs=1e-5)
    for number, start in enumerate(range(0, 120, LOOK)):
        blocks = tuple(
            MinuteCounts(minute=60 + at, **dict(zip(NAMES, soak["errors"][0, at].tolist(), strict=True)))
            for at in range(start, start + LOOK)
        )
        evidence = evidence.with_look(LookCounts(minutes={apart.name: blocks}), test)
        judgement = judge_rollout(evidence, test, soaks=True)

        assert judgement.worse == pytest.approx(looks.soak[0, number], abs=1e-5)
    assert judgement.worse > 5


@pytest.mark.parametrize("odds", [1.0, 2.5])
def test_the_bench_judges_as_the_app_does(odds):
    """The bench computes many rollouts at once; here one of them goes through `judge_rollout`, look by look."""
    percents = np.repeat([10, 50], 60)
    world = World(draw=requests, percents=percents, test=rollout_test())
    series, shares = requests(np.random.default_rng(5), 1, percents=percents, rates=0.02, odds=odds)
    looks = bench.looks_of(series, shares, world)
    evidence = RolloutEvidence()
    for number, start in enumerate(range(0, len(percents), LOOK)):
        minutes = range(start, start + LOOK)
        evidence = evidence.with_look(counts_of(series, shares, percents, minutes), world.test)
        judgement = judge_rollout(evidence, world.test)

        assert judgement.worse == pytest.approx(looks.worse[0, number], abs=1e-5)
        assert judgement.clustered == pytest.approx(looks.clustered[0, number], abs=1e-5)
        assert judgement.misrouted == pytest.approx(looks.misrouted[0, number], abs=1e-5)
        assert min(c.better for c in judgement.comparisons) == pytest.approx(looks.better[0, number], abs=1e-5)

    assert (judgement.verdict is RolloutVerdict.ABORT) is bool(looks.worse[0, -1] >= math.log(100))


def counts_of(series, shares, percents, minutes: range) -> LookCounts:
    return LookCounts(
        minutes={
            name: tuple(
                MinuteCounts(minute=at, **dict(zip(NAMES, series[name][0, at].tolist(), strict=True))) for at in minutes
            )
            for name in WEIGHTS
        },
        shares=tuple(
            ShareCounts(
                minute=at, canary=int(shares[0, at, 0]), champion=int(shares[0, at, 1]), percent=int(percents[at])
            )
            for at in minutes
        ),
    )
