"""What becomes of a step: a table of what was counted, ordered and fired, and the one decision that follows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.rollout.orders import RolloutOrder, RolloutOrderKind, paused_s
from shared.domain.rollout.policy import RolloutPolicy, Soak, StepLimits, TrafficStep, WhenInconclusive
from shared.domain.rollout.steps import StepDecision, StepFacts, judge_step
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.domain.statistics.sequential.verdicts import RolloutJudgement, RolloutVerdict, judge_rollout

SINCE = datetime(2026, 11, 29, 12, tzinfo=UTC)
POLICY = RolloutPolicy(
    steps=(TrafficStep(weight=5), TrafficStep(weight=50, cleared=True), TrafficStep(weight=100)),
    each=StepLimits(at_least_s=900, at_most_s=3600, requests=200),
    soak=Soak(for_s=7200, requests=1000),
)
ABORTS = replace(POLICY, inconclusive=WhenInconclusive.ABORT)
SOAK = len(POLICY.steps)
WAIT, ADVANCE, ABORT, STOP = StepDecision


def judged(verdict: RolloutVerdict, clustered: bool = False) -> RolloutJudgement:
    return replace(
        judge_rollout(RolloutEvidence(), POLICY.test), verdict=verdict, because=str(verdict), is_clustered=clustered
    )


def ordered(kind: RolloutOrderKind, step: int = 0, after_s: float = 60) -> RolloutOrder:
    return RolloutOrder(kind=kind, step=step, oid="1", name="ada", reason="so", at=SINCE + timedelta(seconds=after_s))


def facts(
    after_s: float = 1800, verdict: RolloutVerdict | None = RolloutVerdict.INCONCLUSIVE, **more: Any
) -> StepFacts:
    """Of a step that has lasted *after_s*, with 500 requests of which 5 failed, unless *more* says otherwise."""
    judgement = judged(verdict) if verdict else None
    values: dict[str, Any] = {"requests": 500, "errors": 5, "judgement": judgement, **more}
    return StepFacts(since=SINCE, now=SINCE + timedelta(seconds=after_s), **values)


PAUSE, RESUME, GO, NO = RolloutOrderKind
V = RolloutVerdict


@pytest.mark.parametrize(
    ("policy", "step", "found", "decision"),
    [
        (POLICY, 0, facts(), WAIT),  # The next step asks to be cleared.
        (POLICY, 0, facts(verdict=V.CLEARED), ADVANCE),
        (POLICY, 1, facts(), ADVANCE),
        (POLICY, 1, facts(after_s=899), WAIT),
        (POLICY, 1, facts(after_s=900), ADVANCE),
        (POLICY, 1, facts(requests=199), WAIT),
        (POLICY, 1, facts(requests=200), ADVANCE),
        (POLICY, 1, facts(errors=101), WAIT),  # Over a fifth failed, and the champion may be as sick.
        (POLICY, 1, facts(errors=100), ADVANCE),
        (POLICY, 1, facts(verdict=V.NO_DATA), WAIT),
        (POLICY, 1, facts(unmeasured=True), WAIT),  # What was counted before says nothing of now.
        (ABORTS, 1, facts(after_s=3600, unmeasured=True), ABORT),
        (POLICY, 1, facts(unmeasured=True, orders=(ordered(GO, step=1),)), ADVANCE),
        (POLICY, SOAK, facts(after_s=7200, verdict=None, requests=1000, unmeasured=True), WAIT),
        (POLICY, 1, facts(after_s=1, revoked=True), ABORT),
        (POLICY, 1, facts(after_s=1, revoked=True, orders=(ordered(PAUSE), ordered(GO, step=1))), ABORT),
        (POLICY, 1, facts(verdict=V.FOREIGN), WAIT),
        (POLICY, 1, facts(verdict=V.BOTH_SICK), WAIT),
        (POLICY, 1, facts(judgement=judged(V.INCONCLUSIVE, clustered=True)), WAIT),
        (ABORTS, 1, facts(after_s=9999, verdict=V.BOTH_SICK), WAIT),  # Neither is to blame, however late it is.
        (POLICY, 0, facts(after_s=3600), WAIT),
        (ABORTS, 0, facts(after_s=3600), ABORT),
        (ABORTS, 0, facts(after_s=3599), WAIT),
        (POLICY, 0, facts(verdict=V.ABORT), ABORT),
        (POLICY, 0, facts(after_s=1, verdict=V.ABORT), ABORT),
        (POLICY, 0, facts(after_s=1, alerts=("errors",)), ABORT),
        (POLICY, 0, facts(after_s=1, foreign="60/40"), STOP),
        (POLICY, 0, facts(verdict=V.ABORT, foreign="60/40"), STOP),  # Their traffic is not put back.
        (POLICY, 0, facts(after_s=1, orders=(ordered(NO),)), ABORT),
        (POLICY, 0, facts(foreign="60/40", orders=(ordered(NO),)), ABORT),  # The undo refuses what is not ours.
        (POLICY, 2, facts(orders=(ordered(NO, step=0),)), ABORT),  # An abort is of the whole rollout.
        (POLICY, 1, facts(orders=(ordered(PAUSE),)), WAIT),
        (POLICY, 1, facts(verdict=V.ABORT, orders=(ordered(PAUSE),)), ABORT),
        (POLICY, 1, facts(alerts=("errors",), orders=(ordered(PAUSE),)), ABORT),
        (POLICY, 1, facts(orders=(ordered(PAUSE), ordered(RESUME, after_s=120))), ADVANCE),
        (POLICY, 1, facts(orders=(ordered(PAUSE, after_s=0), ordered(RESUME, after_s=1000))), WAIT),
        (POLICY, 0, facts(orders=(ordered(GO),)), ADVANCE),
        (POLICY, 0, facts(verdict=V.NO_DATA, orders=(ordered(GO),)), ADVANCE),
        (POLICY, 1, facts(verdict=V.NO_DATA, orders=(ordered(GO, step=0),)), WAIT),  # It was for another step.
        (POLICY, 0, facts(orders=(ordered(GO), ordered(PAUSE, after_s=120))), WAIT),
        (POLICY, 0, facts(verdict=V.ABORT, orders=(ordered(GO),)), ABORT),  # Nobody advances over an abort.
        (POLICY, 0, facts(verdict=V.ABORT, orders=(ordered(GO), ordered(NO, after_s=120))), ABORT),
        (POLICY, SOAK, facts(verdict=None), WAIT),
        (POLICY, SOAK, facts(after_s=7200, verdict=None, requests=999), WAIT),
        (POLICY, SOAK, facts(after_s=7200, verdict=None, requests=1000), ADVANCE),
        (POLICY, SOAK, facts(after_s=60, verdict=None, errors=200), ABORT),  # Nothing else serves.
        (POLICY, SOAK, facts(after_s=60, verdict=None, requests=1, errors=1), WAIT),  # One request shows nothing.
        (POLICY, SOAK, facts(after_s=60, verdict=None, requests=10, errors=3), WAIT),
        (POLICY, SOAK, facts(after_s=7200, verdict=None, requests=1000, errors=210), WAIT),
        (POLICY, SOAK, facts(after_s=60, verdict=None, requests=0, errors=0), WAIT),
        (ABORTS, SOAK, facts(after_s=10800, verdict=None, requests=0, errors=0), ABORT),
    ],
)
def test_a_step_is_decided(policy: RolloutPolicy, step: int, found: StepFacts, decision: StepDecision) -> None:
    outcome = judge_step(policy, step, len(policy.steps), found)
    assert (outcome.decision, bool(outcome.because)) == (decision, True)
    blamed = (found.judgement is not None and found.judgement.verdict is V.ABORT) or bool(found.alerts)
    by_person = any(order.kind is NO for order in found.orders)
    if outcome.decision is ABORT and (blamed or by_person):
        assert outcome.worse is (blamed and not by_person), "a person's abort blames nobody"


@pytest.mark.parametrize(
    ("step", "found", "overdue"),
    [
        (0, facts(after_s=3599), False),
        (0, facts(after_s=3600), True),
        (0, facts(after_s=3600, verdict=V.BOTH_SICK), True),
        (0, facts(after_s=3600, orders=(ordered(PAUSE),)), False),  # The person who paused it knows.
        (0, facts(after_s=4000, orders=(ordered(PAUSE, after_s=100), ordered(RESUME, after_s=600))), False),
        (0, facts(after_s=4100, orders=(ordered(PAUSE, after_s=100), ordered(RESUME, after_s=600))), True),
        (
            SOAK,
            facts(after_s=7200, verdict=None, requests=0, errors=0),
            False,
        ),  # It has its time, and that of a step more.
        (SOAK, facts(after_s=10800, verdict=None, requests=0, errors=0), True),
        (1, facts(after_s=3600), False),  # It goes on.
    ],
)
def test_a_step_that_has_lasted_as_long_as_it_may_waits_for_a_person(
    step: int, found: StepFacts, overdue: bool
) -> None:
    assert judge_step(POLICY, step, len(POLICY.steps), found).overdue is overdue


def test_what_a_step_waits_for_names_the_figures_that_are_late() -> None:
    late = facts(requests=10, awaited="requests since 12:05 UTC are due and not counted")
    because = judge_step(POLICY, 0, len(POLICY.steps), late).because
    assert because == "10 requests of at least 200 were counted; requests since 12:05 UTC are due and not counted"


@pytest.mark.parametrize("nonsense", [V.NO_DATA, V.FOREIGN, V.BOTH_SICK, V.INCONCLUSIVE])
def test_what_has_not_decided_never_goes_on_by_its_age_alone(nonsense: RolloutVerdict) -> None:
    must_clear = judge_step(POLICY, 0, SOAK, facts(after_s=10**9, verdict=nonsense))
    assert must_clear.decision is WAIT


@pytest.mark.parametrize(
    ("moments", "seconds"),
    [
        ([], 0.0),
        ([(PAUSE, 10), (RESUME, 40)], 30.0),
        ([(PAUSE, 10)], 90.0),
        ([(PAUSE, 10), (PAUSE, 20), (RESUME, 40)], 30.0),
        ([(RESUME, 40)], 0.0),
        ([(PAUSE, -50), (RESUME, 40)], 40.0),  # It was paused in the step before.
        ([(PAUSE, -50), (RESUME, -20)], 0.0),
        ([(PAUSE, 500)], 0.0),  # By a host whose clock is ahead.
        ([(PAUSE, 90), (RESUME, 500)], 10.0),
    ],
)
def test_the_time_of_a_pause_lies_within_the_step(
    moments: list[tuple[RolloutOrderKind, float]], seconds: float
) -> None:
    orders = [ordered(kind, after_s=moment) for kind, moment in moments]
    assert paused_s(orders, SINCE, SINCE + timedelta(seconds=100)) == seconds
    assert paused_s(reversed(orders), SINCE, SINCE + timedelta(seconds=100)) == seconds
