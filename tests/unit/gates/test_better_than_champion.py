"""The gate that decides on the interval: one row for each outcome, and the properties that must never break."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import decode, encode
from shared.domain.gates import GateOutcome, GateSpec, judge_gates
from shared.domain.gates.evidence import Evaluation, Evidence, SliceDifference
from shared.domain.metrics.paired import Difference
from shared.domain.statistics.looks import Look

PASS, FAIL, INCONCLUSIVE = GateOutcome.PASS, GateOutcome.FAIL, GateOutcome.INCONCLUSIVE


def difference(low, high, **changed):
    known = {"metric": "rmse", "champion": 2.0, "challenger": 1.9, "n": 1000, "confidence": 0.95, "method": "by hand"}
    return Difference(**{**known, "estimate": (low + high) / 2, "low": low, "high": high, **changed})


def evaluation(*differences, slices=(), champion="churn:3", values=None):
    listed = tuple(SliceDifference(slice=name, difference=each) for name, each in slices)
    known = {"rmse": 1.9} if values is None else values
    return Evaluation(
        digest="sha256:1", rows=1000, champion=champion, values=known, differences=differences, slices=listed
    )


def asked(evidence, **options):
    spec = GateSpec(gate="better_than_champion", options={"metric": "rmse", **options})
    return judge_gates([spec], Evidence(evaluation=evidence))[0]


BETTER, UNCLEAR, WORSE = difference(0.05, 0.15), difference(-0.05, 0.15), difference(-0.15, -0.05)


@pytest.mark.parametrize(
    ("seen", "options", "outcome", "said"),
    [
        (evaluation(BETTER), {}, PASS, "better by 0.1"),
        (evaluation(BETTER), {"min_change": 0.05}, PASS, "wanted 0.05"),
        (evaluation(UNCLEAR), {}, INCONCLUSIVE, "rows would decide"),
        (evaluation(difference(-0.15, 0.05)), {}, INCONCLUSIVE, "rows would decide"),
        (evaluation(WORSE), {}, FAIL, "wanted 0"),
        (evaluation(BETTER), {"min_change": 0.2}, FAIL, "wanted 0.2"),
        (evaluation(BETTER), {"min_change": 0.1}, INCONCLUSIVE, "no number of rows"),
        (evaluation(UNCLEAR), {"min_change": -0.06}, PASS, "wanted -0.06"),
        (evaluation(BETTER), {"min_change": 0.02, "relative": True}, PASS, "wanted 0.04"),
        (evaluation(BETTER), {"min_change": 0.04, "relative": True}, INCONCLUSIVE, "wanted 0.08"),
        (evaluation(BETTER), {"min_rows": 1001}, INCONCLUSIVE, "at least 1001"),
        (evaluation(BETTER), {"confidence": 0.99}, INCONCLUSIVE, "computed at confidence 0.99"),
        (evaluation(difference(0.0, 0.0)), {}, INCONCLUSIVE, "no number of rows"),
        (evaluation(difference(0.0, 0.0)), {"min_change": -0.01}, PASS, "wanted -0.01"),
        (evaluation(), {}, FAIL, "rmse was not compared"),
        (evaluation(difference(math.nan, 0.1)), {}, FAIL, "not a finite number: evaluation.differences[0].estimate"),
        (None, {}, FAIL, "no evidence about: evaluation"),
    ],
)
def test_it_is_decided_on_the_interval(seen, options, outcome, said):
    verdict = asked(seen, **options)

    assert verdict.outcome is outcome, verdict.because
    assert said in verdict.because


@pytest.mark.parametrize(
    ("on_slice", "allowed", "outcome"),
    [
        (difference(-0.01, 0.2), 0.02, PASS),
        (difference(-0.05, 0.2), 0.02, INCONCLUSIVE),
        (difference(-0.2, -0.1), 0.02, FAIL),
        (difference(0.1, 0.2, n=50), 0.02, INCONCLUSIVE),
        (difference(0.0, 0.0), 0.0, PASS),
    ],
)
def test_no_slice_may_lose_more_than_allowed(on_slice, allowed, outcome):
    seen = evaluation(BETTER, slices=[("sex=f", on_slice), ("sex=m", BETTER)])

    verdict = asked(seen, slices=["sex=f", "sex=m"], max_slice_loss=allowed, slice_rule="proven")

    assert verdict.outcome is outcome, verdict.because
    assert ("slice sex=m" in verdict.because) is (outcome is PASS)


def test_a_slice_that_was_not_measured_fails():
    verdict = asked(evaluation(BETTER), slices=["sex=f"])

    assert (verdict.outcome, verdict.because) == (FAIL, "slice sex=f: rmse was not compared with the champion")


@pytest.mark.parametrize(
    ("options", "outcome", "said"),
    [
        ({}, FAIL, "first_model is fail"),
        ({"first_model": "pass"}, FAIL, "no at_least"),
        ({"first_model": "pass", "at_least": 2.0}, PASS, "rmse is 1.9 on 1000 rows"),
        ({"first_model": "pass", "at_least": 1.8}, FAIL, "rmse is 1.9, above 1.8"),
        ({"first_model": "pass", "at_least": 2.0, "min_rows": 2000}, INCONCLUSIVE, "at least 2000"),
        ({"first_model": "fail", "at_least": 2.0}, FAIL, "first_model is fail"),
    ],
)
def test_a_first_model_passes_only_over_a_floor_and_only_if_asked(options, outcome, said):
    verdict = asked(evaluation(champion=""), **options)

    assert (verdict.outcome, said in verdict.because) == (outcome, True), verdict.because


@pytest.mark.parametrize(("floor", "outcome"), [(0.8, PASS), (0.9, FAIL)])
def test_a_floor_is_in_the_direction_of_the_metric(floor, outcome):
    seen = evaluation(champion="", values={"auc": 0.85})

    assert asked(seen, metric="auc", first_model="pass", at_least=floor).outcome is outcome


def test_a_floor_holds_beside_a_champion_too():
    assert asked(evaluation(BETTER), at_least=1.8).outcome is FAIL
    assert asked(evaluation(BETTER, values={}), at_least=1.8).outcome is FAIL
    assert asked(evaluation(BETTER), at_least=1.9).outcome is PASS


@pytest.mark.parametrize(
    ("on_slice", "outcome", "said"),
    [
        (difference(-0.05, 0.2), PASS, "better by 0.1"),
        (difference(-0.2, -0.1, confidence=0.975), FAIL, "slice sex=f"),
        (difference(-0.2, -0.1, confidence=0.95), INCONCLUSIVE, "computed at confidence 0.975"),
        (difference(-0.2, 0.1, n=50), INCONCLUSIVE, "50 rows, at least 100"),
        (difference(0.0, 0.0, support={"positive": 1}), INCONCLUSIVE, "1 rows are positive, at least 10"),
    ],
)
def test_a_slice_holds_back_who_is_shown_to_lose_there_at_a_shared_confidence(on_slice, outcome, said):
    seen = evaluation(BETTER, slices=[("sex=f", on_slice), ("sex=m", BETTER)])

    verdict = asked(seen, slices=["sex=f", "sex=m"])

    assert (verdict.outcome, said in verdict.because) == (outcome, True), verdict.because


@pytest.mark.parametrize(
    ("seen", "options", "said"),
    [
        (difference(0.05, 0.15, groups=12), {}, "12 groups of rows, at least 20"),
        (difference(0.05, 0.15, groups=12, support={"positive": 9}), {"min_groups": 5}, "9 groups with rows are posi"),
        (difference(0.05, 0.15, support={"positive": 9, "negative": 991}), {}, "9 rows are positive, at least 10"),
        (difference(0.05, 0.15, tail=0.4), {}, "rare large losses are seen too seldom to count them; about 4000 rows"),
        (difference(0.05, 0.15, groups=50, tail=0.4), {}, "about 200 groups would show enough"),
        (difference(0.05, 0.15, n=900), {"rarest": 0.01}, "900 rows, at least 1000 are needed"),
        (difference(-0.1, 0.15, groups=50), {}, "groups would decide"),
    ],
)
def test_too_little_of_a_kind_is_no_proof(seen, options, said):
    verdict = asked(evaluation(seen), **options)

    assert (verdict.outcome, said in verdict.because) == (INCONCLUSIVE, True), verdict.because


def test_two_gates_on_one_metric_each_find_the_interval_of_their_own_confidence():
    sure = difference(-0.01, 0.21, confidence=0.99)
    for seen in (evaluation(BETTER, sure), evaluation(sure, BETTER)):
        assert asked(seen).outcome is PASS
        assert "at 0.99" in asked(seen, confidence=0.99).because


def test_every_look_in_a_year_needs_more_confidence():
    """Twelve looks are expected: the first may spend a thirteenth of the year's 5 %."""
    first = replace(evaluation(BETTER), look=Look(number=1))
    sure = difference(0.05, 0.15, confidence=1 - 0.05 / 13)

    assert "computed at confidence 0.996154" in asked(first).because
    assert asked(replace(first, differences=(sure,))).outcome is PASS
    assert asked(replace(first, differences=(sure,), look=Look(number=2))).outcome is INCONCLUSIVE


@pytest.mark.parametrize("expected", [1, 12, 40])
def test_all_looks_together_spend_one_alpha_and_the_expected_ones_half(expected):
    shares = [Look(number=number, expected=expected).share for number in range(1, 100_001)]

    assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert sum(shares[:expected]) == pytest.approx(0.5)


small = st.floats(-1, 1).map(lambda value: round(value, 4))


@given(low=small, length=st.floats(0, 1), gain=st.floats(0, 1), wanted=small)
def test_a_better_challenger_never_does_worse(low, length, gain, wanted):
    order = {FAIL: 0, INCONCLUSIVE: 1, PASS: 2}
    seen = difference(low, low + length)
    better = replace(seen, low=seen.low + gain, estimate=seen.estimate + gain, high=seen.high + gain)

    first, second = (asked(evaluation(each), min_change=wanted).outcome for each in (seen, better))

    assert order[second] >= order[first]


@given(st.lists(st.sampled_from([BETTER, UNCLEAR, WORSE]), max_size=4))
def test_more_slices_never_help(found):
    order = {FAIL: 0, INCONCLUSIVE: 1, PASS: 2}
    names = [f"s={at}" for at in range(len(found))]
    seen = evaluation(BETTER, slices=zip(names, found, strict=True))

    outcomes = [order[asked(seen, slices=names[:many], slice_rule="proven").outcome] for many in range(len(names) + 1)]

    assert outcomes == sorted(outcomes, reverse=True)


def test_evidence_and_verdict_are_plain_json():
    evidence = Evidence(evaluation=evaluation(BETTER, slices=[("sex=f", UNCLEAR)]))
    verdict = asked(evidence.evaluation)

    assert decode(Evidence, encode(evidence)) == evidence
    assert decode(type(verdict), encode(verdict)) == verdict
