"""The verdict of a look: which comes first, what no data and clusters mean, and that looks may be split."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.codec import decode, encode
from shared.domain.failures import Refused
from shared.domain.statistics.sequential.counts import MinuteCounts, PairCounts, ShareCounts
from shared.domain.statistics.sequential.odds_evidence import OddsTest
from shared.domain.statistics.sequential.rollout_evidence import ArmComparison, LookCounts, RolloutEvidence, RolloutTest
from shared.domain.statistics.sequential.verdicts import RolloutJudgement, RolloutVerdict, judge_rollout
from tests.amounts import amount

ERRORS = ArmComparison(name="errors", weight=3.0, sick_above=0.3)
TEST = RolloutTest(comparisons=(ERRORS,))
TWO = RolloutTest(comparisons=(ERRORS, ArmComparison(name="outputs")))


def traffic(
    minutes: range, canary_rate: float, champion_rate: float, percent: int = 10, requests: int = 200
) -> tuple[MinuteCounts, ...]:
    """Requests that are routed one by one, from a seed."""
    chance = np.random.default_rng(minutes.start)
    blocks = []
    for minute in minutes:
        canary = int(chance.binomial(requests, percent / 100))
        blocks.append(
            MinuteCounts(
                minute=minute,
                canary=canary,
                champion=requests - canary,
                canary_bad=int(chance.binomial(canary, canary_rate)),
                champion_bad=int(chance.binomial(requests - canary, champion_rate)),
            )
        )
    return tuple(blocks)


def shares(blocks: tuple[MinuteCounts, ...], percent: int = 10) -> tuple[ShareCounts, ...]:
    return tuple(
        ShareCounts(minute=block.minute, canary=block.canary, champion=block.champion, percent=percent)
        for block in blocks
    )


def look(
    blocks: tuple[MinuteCounts, ...], percent: int = 10, evidence: RolloutEvidence | None = None
) -> RolloutEvidence:
    counts = LookCounts(minutes={"errors": blocks}, shares=shares(blocks, percent))
    return (evidence or RolloutEvidence()).with_look(counts, TEST)


@pytest.mark.parametrize(
    ("blocks", "percent", "verdict"),
    [
        (traffic(range(5), 0.01, 0.01), 10, RolloutVerdict.INCONCLUSIVE),
        (traffic(range(200), 0.02, 0.02), 10, RolloutVerdict.CLEARED),
        (traffic(range(60), 0.1, 0.01), 10, RolloutVerdict.ABORT),
        (traffic(range(60), 0.6, 0.6), 10, RolloutVerdict.BOTH_SICK),
        (traffic(range(60), 0.9, 0.6), 10, RolloutVerdict.ABORT),
        (traffic(range(60), 0.1, 0.01), 25, RolloutVerdict.FOREIGN),
        (traffic(range(60), 0.1, 0.01), 3, RolloutVerdict.FOREIGN),
        ((), 10, RolloutVerdict.NO_DATA),
        (traffic(range(60), 0.0, 0.0), 10, RolloutVerdict.INCONCLUSIVE),
    ],
)
def test_each_verdict_has_its_traffic(blocks, percent, verdict):
    judgement = judge_rollout(look(blocks, percent), TEST)

    assert judgement.verdict is verdict
    assert judgement.because.endswith(".")


def test_an_abort_says_what_was_worse_and_by_how_much():
    judgement = judge_rollout(look(traffic(range(60), 0.1, 0.01)), TEST)
    (errors,) = judgement.comparisons

    assert judgement.because.startswith(
        f"The canary is worse in errors: {errors.canary_bad} of {errors.canary} bad at the canary, "
    )
    assert judgement.worse == errors.worse >= judgement.abort_at == pytest.approx(math.log(100), abs=1e-6)
    assert errors.odds_ratio.low > 1


def test_a_look_without_data_neither_clears_nor_forgets_the_evidence_for_an_abort():
    cleared = look(traffic(range(200), 0.02, 0.02))
    silent = cleared.with_look(LookCounts(minutes={}), TEST)
    aborted = look(traffic(range(60), 0.1, 0.01)).with_look(LookCounts(minutes={}), TEST)

    assert judge_rollout(cleared, TEST).verdict is RolloutVerdict.CLEARED
    assert judge_rollout(silent, TEST).verdict is RolloutVerdict.NO_DATA
    assert judge_rollout(aborted, TEST).verdict is RolloutVerdict.ABORT


def test_all_that_is_compared_must_be_cleared():
    blocks = traffic(range(200), 0.02, 0.02)
    counts = LookCounts(minutes={"errors": blocks, "outputs": blocks[:1]}, shares=shares(blocks))
    evidence = RolloutEvidence().with_look(counts, TWO)

    judgement = judge_rollout(evidence, TWO)
    assert judgement.verdict is RolloutVerdict.INCONCLUSIVE
    assert "Outputs: " in judgement.because
    assert "errors" not in judgement.because


def test_one_of_two_without_data_is_no_data():
    evidence = RolloutEvidence().with_look(LookCounts(minutes={"errors": traffic(range(200), 0.02, 0.02)}), TWO)

    assert judge_rollout(evidence, TWO).because == "In this look no request of both arms was counted for outputs."


def test_one_alpha_holds_for_all_comparisons():
    blocks = traffic(range(60), 0.1, 0.01)
    counts = LookCounts(minutes={"errors": blocks}, shares=shares(blocks))
    evidence = RolloutEvidence().with_look(counts, TWO)
    judgement = judge_rollout(evidence, TWO)
    errors, outputs = judgement.comparisons

    assert outputs.worse == 0
    mean = (3 * math.exp(errors.worse) + 1) / 4
    assert judgement.worse == pytest.approx(math.log(mean), abs=1e-5)


def connections(minutes: range, requests: int) -> tuple[MinuteCounts, ...]:
    """Ten connections a minute, each with so many *requests* on one arm; one of four is a caller of bad requests."""
    chance = np.random.default_rng(0)
    canary = chance.binomial(10, 0.25, len(minutes))
    bad = chance.binomial(canary, 0.25), chance.binomial(10 - canary, 0.25)
    return tuple(
        MinuteCounts(
            minute=minute,
            canary=int(units) * requests,
            champion=int(10 - units) * requests,
            canary_bad=int(first) * requests // 2,
            champion_bad=int(second) * requests // 2,
        )
        for minute, units, first, second in zip(minutes, canary, *bad, strict=True)
    )


def test_requests_that_come_in_clusters_decide_nothing_and_a_replay_does():
    evidence = look(connections(range(60), 10), 25)
    judgement = judge_rollout(evidence, TEST)
    assert judgement.is_clustered
    assert judgement.verdict is RolloutVerdict.INCONCLUSIVE
    assert judgement.because.startswith("Requests are not routed one by one: ")

    for pair, verdict in (
        (PairCounts(minute=60, pairs=500, canary_only=30, champion_only=2), RolloutVerdict.ABORT),
        (PairCounts(minute=60, pairs=900, canary_only=30, champion_only=60), RolloutVerdict.CLEARED),
    ):
        replayed = evidence.with_look(LookCounts(minutes={}, replay={"errors": (pair,)}), TEST)
        assert judge_rollout(replayed, TEST).verdict is verdict


def test_a_few_clients_that_stay_on_one_arm_all_day_show_in_a_share_that_is_not_the_weight():
    """Their requests vary between minutes as chance has it: 13 % instead of 10 % is what can be seen of them."""
    blocks = traffic(range(120), 0.02, 0.01, percent=13)
    judgement = judge_rollout(look(blocks, 10), TEST)

    assert judgement.is_clustered
    assert judgement.verdict is RolloutVerdict.INCONCLUSIVE
    assert judgement.misrouted < 0


def test_a_few_named_calls_are_no_alarm():
    assert not judge_rollout(look(traffic(range(600), 0.01, 0.01, percent=50), 51), TEST).is_clustered


def test_shares_that_are_dealt_out_in_turn_are_an_alarm_unless_they_are_expected():
    even = tuple(
        MinuteCounts(minute=minute, canary=20, champion=180, canary_bad=1, champion_bad=9) for minute in range(60)
    )

    assert judge_rollout(look(even), TEST).is_clustered
    assert not judge_rollout(look(even), replace(TEST, in_turn=True)).is_clustered


def test_before_the_routing_is_watched_only_overwhelming_evidence_aborts():
    some, overwhelming = traffic(range(4), 0.12, 0.01), traffic(range(4), 1.0, 0.01)
    early = judge_rollout(look(some), TEST)
    later = judge_rollout(look(traffic(range(4, 14), 0.12, 0.01), 10, look(some)), TEST)

    assert not early.is_watched
    assert early.verdict is RolloutVerdict.INCONCLUSIVE
    assert later.is_watched
    assert later.verdict is RolloutVerdict.ABORT
    assert judge_rollout(look(overwhelming), TEST).verdict is RolloutVerdict.ABORT


def test_without_the_arms_shares_the_traffic_counts_an_eighth():
    blocks = traffic(range(60), 0.05, 0.01)
    unwatched = RolloutEvidence().with_look(LookCounts(minutes={"errors": blocks}), TEST)

    assert judge_rollout(unwatched, TEST).worse == pytest.approx(judge_rollout(look(blocks), TEST).worse / 8, abs=1e-5)


def test_a_replay_needs_no_traffic():
    pair = PairCounts(minute=60, pairs=500, canary_only=30, champion_only=2)
    quiet = RolloutEvidence().with_look(LookCounts(minutes={}, replay={"errors": (pair,)}), TEST)

    assert judge_rollout(quiet, TEST).verdict is RolloutVerdict.ABORT


def test_a_canary_that_breaks_at_once_is_no_cluster():
    evidence = look(traffic(range(61), 0.01, 0.01) + traffic(range(61, 90), 1.0, 0.01))

    assert judge_rollout(evidence, TEST).verdict is RolloutVerdict.ABORT


def test_an_incident_that_hits_both_arms_blames_nobody():
    """Pooled over the minutes the canary looks far worse: its weight is high while the incident lasts."""
    calm, incident = traffic(range(100), 0.01, 0.01, percent=5), traffic(range(100, 130), 0.25, 0.25, percent=50)
    evidence = look(incident, 50, look(calm, 5))
    judgement = judge_rollout(evidence, TEST)
    (errors,) = judgement.comparisons

    assert errors.canary_bad / errors.canary > 2.5 * errors.champion_bad / errors.champion
    assert judgement.verdict is RolloutVerdict.CLEARED


@settings(max_examples=amount(10, 100))
@given(cuts=st.lists(st.integers(0, 39), max_size=5), rate=st.sampled_from([0.01, 0.05, 0.4]))
def test_splitting_looks_changes_no_figure(cuts, rate):
    blocks = traffic(range(40), rate, 0.02)
    bounds = [0, *sorted(cuts), 39, 40]
    evidence = RolloutEvidence()
    for start, end in pairwise(bounds):
        evidence = look(blocks[start:end], 10, evidence)
        evidence = decode(RolloutEvidence, json.loads(json.dumps(encode(evidence))))
    at_once = look(blocks[39:], 10, look(blocks[:39]))

    assert replace(evidence, looks=2) == at_once
    assert judge_rollout(evidence, TEST) == judge_rollout(at_once, TEST)


def test_a_judgement_and_its_evidence_are_small_plain_json():
    evidence = look(traffic(range(200), 0.03, 0.01))
    judgement = judge_rollout(evidence, TEST)
    text = json.dumps(encode(evidence))

    assert len(text) < 5000
    assert decode(RolloutEvidence, json.loads(text)) == evidence
    assert decode(RolloutJudgement, json.loads(json.dumps(encode(judgement)))) == judgement


def test_counts_of_what_is_not_compared_are_refused():
    with pytest.raises(Refused, match="counts of latency"):
        RolloutEvidence().with_look(LookCounts(minutes={"latency": ()}), TEST)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"comparisons": ()}, "names of their own"),
        ({"comparisons": (ERRORS, ERRORS)}, "names of their own"),
        ({"alpha": math.nan}, "between 0 and 1"),
        ({"beta": 0.0}, "between 0 and 1"),
        ({"share_factor": 1.0}, "share_factor"),
    ],
)
def test_impossible_tests_are_refused(change, message):
    with pytest.raises(Refused, match=message):
        replace(TEST, **change)


@pytest.mark.parametrize(
    "change",
    [{"weight": 0.0}, {"weight": math.nan}, {"test": OddsTest(tolerated=3.0, margin=2.0)}, {"sick_above": 1.0}],
)
def test_impossible_comparisons_are_refused(change):
    with pytest.raises(Refused, match="errors: "):
        replace(ERRORS, **change)
