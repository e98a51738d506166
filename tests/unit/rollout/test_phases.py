"""What becomes of a step: copies need time alone, a soak needs the week before, and a replay stands in for requests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.rollout.policy import ERRORS, Mirror, RolloutPolicy, Soak, SoakReference, TrafficStep, weeks_apart
from shared.domain.rollout.steps import SHADOW, StepDecision, StepFacts, judge_step
from shared.domain.statistics.sequential.counts import MinuteCounts
from shared.domain.statistics.sequential.rollout_evidence import LookCounts, RolloutEvidence
from shared.domain.statistics.sequential.verdicts import RolloutVerdict, judge_rollout

POLICY = RolloutPolicy(
    steps=(TrafficStep(weight=10), TrafficStep(weight=100)),
    mirror=Mirror(percent=10, for_s=600),
    soak=Soak(for_s=3600, requests=1000, compare=SoakReference.WEEK_BEFORE),
)
SOAK = 2
SINCE = datetime(2026, 11, 29, tzinfo=UTC)


def facts(seconds: int, requests: int, errors: int = 0) -> StepFacts:
    now = SINCE + timedelta(seconds=seconds)
    return StepFacts(since=SINCE, now=now, requests=requests, errors=errors, judgement=None)


def soaked(champion: int, canary_bad: int = 10, champion_bad: int = 10, looks: int = 1) -> StepFacts:
    """An hour of soak, with 20 minutes a look of which each had this many requests of the champion in all."""
    evidence = RolloutEvidence()
    for look in range(looks):
        minute = MinuteCounts(
            minute=look, canary=1000, champion=champion, canary_bad=canary_bad, champion_bad=champion_bad
        )
        evidence = evidence.with_look(LookCounts(minutes={weeks_apart(ERRORS): (minute,)}), POLICY.test)
    judgement = judge_rollout(evidence, POLICY.test, soaks=True)
    return replace(facts(3600, 1000 * looks, canary_bad * looks), judgement=judgement)


@pytest.mark.parametrize(
    ("seen", "decision"),
    [
        (facts(599, 0), StepDecision.WAIT),
        (facts(600, 0), StepDecision.ADVANCE),  # Nobody has documented whether copies are counted.
        (facts(60, 100, 60), StepDecision.ABORT),
    ],
)
def test_copies_end_after_their_time_or_where_too_many_fail(seen, decision):
    assert judge_step(POLICY, SHADOW, 2, seen).decision is decision


@pytest.mark.parametrize(
    ("seen", "decision"),
    [
        (soaked(1000), StepDecision.ADVANCE),
        (soaked(999), StepDecision.WAIT),  # Too little of the week before.
        (soaked(0, champion_bad=0), StepDecision.WAIT),
        (soaked(1000, canary_bad=100, looks=6), StepDecision.ABORT),
        (soaked(1000, canary_bad=600, champion_bad=600), StepDecision.ABORT),  # The absolute limit.
    ],
)
def test_a_soak_is_judged_beside_the_week_before(seen, decision):
    assert judge_step(POLICY, SOAK, 2, seen).decision is decision


def test_weeks_that_nobody_has_dealt_out_count_an_eighth():
    whole, apart = POLICY.test.comparisons
    minute = MinuteCounts(minute=1, canary=5000, champion=5000, canary_bad=200, champion_bad=50)
    evidence = RolloutEvidence().with_look(LookCounts(minutes={apart.name: (minute,)}), POLICY.test)
    judgement = judge_rollout(evidence, POLICY.test, soaks=True)
    assert (whole.name, judgement.verdict) == (ERRORS, RolloutVerdict.INCONCLUSIVE)
    assert evidence.of(apart).traffic.worse(apart.test) > judgement.abort_at + 5
    assert judgement.comparisons[1].worse == pytest.approx(evidence.of(apart).traffic.worse(apart.test) / 8, abs=1e-5)


def test_replayed_inputs_stand_in_for_requests():
    quiet = facts(3600, 50)
    assert judge_step(POLICY, 1, 2, quiet).decision is StepDecision.WAIT
    assert judge_step(POLICY, 1, 2, replace(quiet, replayed=150)).decision is StepDecision.ADVANCE
