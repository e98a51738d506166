"""The evidence of counts: held to SciPy's distribution, exact in any order, and never NaN."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import decode, encode
from shared.domain.failures import Refused
from shared.domain.statistics.sequential.counts import MinuteCounts, PairCounts, ShareCounts, counts_by_minute
from shared.domain.statistics.sequential.likelihoods import binomial_terms, hypergeometric_terms
from shared.domain.statistics.sequential.odds_evidence import OddsEvidence, OddsTest, interval_odds
from shared.domain.statistics.sequential.portable import BILLION, log_sum_exp, portable_exp, portable_log
from tests.peers import Peer, with_peers

scipy_stats = Peer("scipy.stats")
TEST = OddsTest(tolerated=1.25, margin=3.0)
ODDS = (0.1, 0.5, 2.0, 30.0)


def minute(at: int, canary: int, champion: int, canary_bad: int, champion_bad: int) -> MinuteCounts:
    return MinuteCounts(minute=at, canary=canary, champion=champion, canary_bad=canary_bad, champion_bad=champion_bad)


@st.composite
def minutes(draw: st.DrawFn, most: int = 40) -> MinuteCounts:
    canary_bad, champion_bad = draw(st.integers(0, most)), draw(st.integers(0, most))
    return minute(
        draw(st.integers(0, 10**6)),
        canary_bad + draw(st.integers(0, most)),
        champion_bad + draw(st.integers(0, 10 * most)),
        canary_bad,
        champion_bad,
    )


series = st.lists(minutes(), min_size=1, max_size=12, unique_by=lambda block: block.minute).map(
    lambda blocks: sorted(blocks, key=lambda block: block.minute)
)


@with_peers
@pytest.mark.parametrize(
    "counts",
    [(50, 450, 3, 10), (250, 250, 20, 30), (5, 3, 5, 2), (1, 1, 1, 0), (3, 1000, 0, 700), (120, 80, 119, 79)],
)
def test_likelihoods_are_those_of_the_noncentral_hypergeometric_distribution(counts):
    canary, champion, canary_bad, champion_bad = counts
    margins = canary + champion, canary_bad + champion_bad, canary
    expected = [
        scipy_stats.nchypergeom_fisher(*margins, ratio).logpmf(canary_bad)
        - scipy_stats.nchypergeom_fisher(*margins, 1).logpmf(canary_bad)
        for ratio in ODDS
    ]
    terms = hypergeometric_terms(counts, ODDS)

    assert terms.hits * np.log(ODDS) - terms.moments / BILLION == pytest.approx(expected, abs=2e-9)


def test_thousands_of_bad_units_do_not_overflow():
    """SciPy gives minus infinity here; the reference is the sum in whole numbers."""
    terms = hypergeometric_terms((2500, 2500, 900, 1000), (2.0, 64.0))
    weights = [math.comb(2500, hits) * math.comb(2500, 1900 - hits) for hits in range(1901)]
    for ratio, moment in zip((2, 64), terms.moments, strict=True):
        tilted = sum(weight * ratio**hits for hits, weight in enumerate(weights))
        assert moment / BILLION == pytest.approx(math.log(tilted) - math.log(sum(weights)), abs=2e-9)


def test_the_evidence_of_a_mixture_is_the_mean_of_likelihood_ratios():
    evidence = OddsEvidence().with_minutes([minute(1, 2, 2, 1, 0), minute(2, 3, 5, 2, 1)], OddsTest())

    def likelihood(ratio: float) -> float:
        first = 2 * ratio / (2 + 2 * ratio)
        choices = [math.comb(3, hits) * math.comb(5, 3 - hits) * ratio**hits for hits in range(4)]
        return first * choices[2] / sum(choices)

    expected = sum(likelihood(ratio) / likelihood(1) for ratio in (1.5, 2, 3, 5, 10, 30)) / 6
    assert evidence.worse(OddsTest()) == pytest.approx(math.log(expected), abs=1e-6)


def test_stored_figures_are_these_to_the_last_digit():
    """They must be the same with every Python, numpy and processor."""
    blocks = [minute(at, 40 + at % 7, 400 + 3 * at % 50, at % 4, at % 11) for at in range(60)]
    evidence = OddsEvidence().with_minutes(blocks, TEST)

    assert (evidence.hits, evidence.moments[:3]) == GOLDEN_TERMS
    assert (evidence.worse(TEST), evidence.better(TEST)) == GOLDEN_LOGS
    interval = evidence.interval(0.95)
    assert (interval.estimate, interval.low, interval.high) == GOLDEN_INTERVAL


GOLDEN_TERMS = (90, (8540313951, 28966298089, 48205965204))
GOLDEN_LOGS = (22.262863, -2.559808)
GOLDEN_INTERVAL = (3.193114, 2.012472, 4.868434)


@given(blocks=series, cuts=st.lists(st.integers(0, 12), max_size=4))
def test_how_often_one_looks_changes_no_digit(blocks, cuts):
    bounds = [0, *sorted(cuts), len(blocks)]
    evidence = OddsEvidence()
    for start, end in pairwise(bounds):
        evidence = evidence.with_minutes(blocks[start:end], TEST)
        evidence = decode(OddsEvidence, json.loads(json.dumps(encode(evidence))))  # As it is stored between looks.

    assert evidence == OddsEvidence().with_minutes(blocks, TEST)


@given(blocks=series, order=st.randoms())
def test_the_order_of_the_minutes_of_a_look_changes_no_digit(blocks, order):
    shuffled = list(blocks)
    order.shuffle(shuffled)

    assert OddsEvidence().with_minutes(shuffled, TEST) == OddsEvidence().with_minutes(blocks, TEST)


@given(first=minutes(), second=minutes(), order=st.booleans())
def test_parts_of_one_minute_are_one_block(first, second, order):
    """Instances report for themselves; blocks of their own would compare within an instance."""
    parts = [minute(7, *counts(first)), minute(7, *counts(second))]
    whole = minute(7, *(a + b for a, b in zip(counts(first), counts(second), strict=True)))

    assert counts_by_minute(parts if order else parts[::-1]) == (whole,)
    assert OddsEvidence().with_minutes(parts, TEST) == OddsEvidence().with_minutes([whole], TEST)


def counts(block: MinuteCounts) -> tuple[int, int, int, int]:
    return block.canary, block.champion, block.canary_bad, block.champion_bad


@given(block=minutes(), kind=st.sampled_from(["no canary", "no champion", "all good", "all bad"]))
def test_minutes_that_can_tell_nothing_contribute_a_factor_of_one(block, kind):
    canary, champion, canary_bad, champion_bad = counts(block)
    silent = {
        "no canary": (0, champion, 0, champion_bad),
        "no champion": (canary, 0, canary_bad, 0),
        "all good": (canary, champion, 0, 0),
        "all bad": (canary, champion, canary, champion),
    }[kind]
    evidence = OddsEvidence().with_minutes([minute(1, *silent)], TEST)

    assert (evidence.hits, set(evidence.moments)) == (0, {0})
    assert evidence.worse(TEST) == evidence.better(TEST) == 0


@given(blocks=series)
def test_evidence_is_never_nan_and_its_interval_holds_the_estimate(blocks):
    evidence = OddsEvidence().with_minutes(blocks, TEST)
    interval = evidence.interval(0.95)

    assert math.isfinite(evidence.worse(TEST))
    assert math.isfinite(evidence.better(TEST))
    if interval.estimate is not None:
        assert interval.low <= interval.estimate <= (interval.high or math.inf)


@given(blocks=series)
def test_exchanged_arms_have_the_inverse_ratio(blocks):
    exchanged = [minute(b.minute, b.champion, b.canary, b.champion_bad, b.canary_bad) for b in blocks]
    one = OddsEvidence().with_minutes(blocks, TEST).interval(0.95)
    other = OddsEvidence().with_minutes(exchanged, TEST).interval(0.95)

    assert (one.high is None) == (other.low == 0)
    if one.high is not None:
        assert one.high * other.low == pytest.approx(1, rel=1e-4)


@given(block=minutes(most=8))
def test_the_mean_of_the_e_value_is_at_most_one(block):
    """Exactly, over all that can happen in a minute with these margins, at the ratio that is tolerated."""
    canary, champion, canary_bad, champion_bad = counts(block)
    bad = canary_bad + champion_bad
    outcomes = range(max(0, bad - champion), min(canary, bad) + 1)
    chances = [math.comb(canary, hits) * math.comb(champion, bad - hits) * TEST.tolerated**hits for hits in outcomes]
    values = [
        math.exp(OddsEvidence().with_minutes([minute(1, canary, champion, hits, bad - hits)], TEST).worse(TEST))
        for hits in outcomes
    ]

    mean = sum(chance * value for chance, value in zip(chances, values, strict=True)) / sum(chances)
    assert mean == pytest.approx(1, abs=1e-5)


def test_a_minute_counts_once():
    evidence = OddsEvidence().with_minutes([minute(5, 10, 90, 1, 3)], TEST)

    with pytest.raises(Refused, match="minute 5 is not after minute 5"):
        evidence.with_minutes([minute(5, 10, 90, 1, 3), minute(6, 1, 1, 0, 0)], TEST)
    with pytest.raises(Refused, match="minute 4 is not after minute 5"):
        evidence.with_minutes([minute(4, 10, 90, 1, 3)], TEST)


@pytest.mark.parametrize("value", [math.nan, -1, 1.0, None, True, "3"])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(Refused, match="canary_bad of minute 3 must be a whole number"):
        minute(3, 10, 10, value, 0)


def test_more_bad_units_than_units_are_refused():
    with pytest.raises(Refused, match="more bad units than units"):
        minute(3, 1, 10, 2, 0)
    with pytest.raises(Refused, match="more bad pairs than pairs"):
        PairCounts(minute=3, pairs=1, canary_only=1, champion_only=1)
    with pytest.raises(Refused, match="101 %"):
        ShareCounts(minute=3, canary=1, champion=1, percent=101)


@pytest.mark.parametrize("ratio", [math.nan, 0.0, -1.0, math.inf])
def test_impossible_ratios_are_refused(ratio):
    with pytest.raises(Refused):
        OddsTest(tolerated=ratio)
    with pytest.raises(Refused):
        OddsTest(margin=ratio)


def test_pairs_on_which_both_arms_agree_tell_nothing():
    quiet = OddsEvidence().with_pairs([PairCounts(minute=1, pairs=900, canary_only=0, champion_only=0)], TEST)
    telling = OddsEvidence().with_pairs([PairCounts(minute=1, pairs=900, canary_only=20, champion_only=1)], TEST)

    assert quiet.worse(TEST) == 0
    assert telling.worse(TEST) > math.log(100)
    assert telling.joined(quiet) == OddsEvidence().with_pairs(
        [PairCounts(minute=1, pairs=1800, canary_only=20, champion_only=1)], TEST
    )


def test_evidence_of_replay_and_traffic_multiplies():
    traffic = OddsEvidence().with_minutes([minute(5, 10, 90, 3, 3)], TEST)
    replay = OddsEvidence().with_pairs([PairCounts(minute=1, pairs=9, canary_only=4, champion_only=1)], TEST)
    both = traffic.joined(replay)

    assert (both.hits, both.canary, both.pairs) == (traffic.hits + 4, 10, 9)
    assert both.moments == tuple(a + b for a, b in zip(traffic.moments, replay.moments, strict=True))


def test_minutes_with_all_traffic_on_one_arm_say_nothing_of_shares():
    test = OddsTest(tolerated=1.5, margin=1 / 1.5)
    whole = [ShareCounts(minute=at, canary=50, champion=0, percent=100) for at in range(9)]

    assert OddsEvidence().with_shares(whole, test).worse(test) == 0
    assert OddsEvidence().with_shares(whole, test).through == 8


def test_logarithms_and_exponentials_are_those_of_the_c_library_to_rounding():
    chance = np.random.default_rng(1)
    values = np.concatenate([chance.uniform(1e-300, 1e300, 2000), chance.uniform(0.5, 2, 2000), [1.0]])
    logs = chance.uniform(-30, 30, 2000)

    assert np.allclose(portable_log(values), np.log(values), rtol=5e-16, atol=3e-16)
    assert np.allclose(portable_exp(logs), np.exp(logs), rtol=1e-14, atol=0)
    assert portable_log(1.0) == 0
    assert (portable_exp(-np.inf), portable_exp(0.0), portable_exp(1000.0)) == (0, 1, math.inf)
    assert log_sum_exp([-np.inf, 3.0]) == 3


def test_the_ratios_of_the_interval_are_powers_of_two():
    assert interval_odds() == pytest.approx([2 ** (step / 8) for step in range(-48, 49)])
    assert interval_odds()[48] == 1


def test_binomial_likelihoods_are_those_of_shifted_odds():
    terms = binomial_terms([7], [20], [0.1], [3.0])
    share = 0.3 / 1.2
    expected = 7 * math.log(share / 0.1) + 13 * math.log((1 - share) / 0.9)

    assert terms.hits[0] * math.log(3) - terms.moments[0, 0] / BILLION == pytest.approx(expected, abs=2e-9)
