"""What becomes of a step of a rollout, from what was counted and what people ordered: a pure judgement.

The statistics are judged in `shared.domain.statistics.sequential`; here their verdict meets time, people and alerts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.counts import counted
from shared.domain.rollout.orders import RolloutOrder, RolloutOrderKind, newest, paused_s
from shared.domain.rollout.policy import ERRORS, RolloutPolicy, StepLimits, WhenInconclusive, weeks_apart
from shared.domain.statistics.sequential.verdicts import RolloutJudgement, RolloutVerdict, is_sick

SHADOW = -1  # The number of the phase before the first step, in which the new version gets copies of requests only.


class StepDecision(StrEnum):
    WAIT = "wait"
    ADVANCE = "advance"
    ABORT = "abort"  # The traffic goes back to what it was before the rollout.
    STOP = "stop"  # Somebody else has changed the traffic: it is theirs, and only the rest is put back.


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """All that a step is judged by. *judgement* is None where nothing is compared: in the soak of a first version.

    *requests* of the new version were counted in this step. *alerts* are in force on what serves it. *foreign* says
    what the traffic is where somebody else has changed it. *errors* of the new version's requests were bad. *replayed*
    inputs stand in for requests that a quiet service does not have. The version may have been *revoked*. Where a look
    is *unmeasured*, it has asked for minutes and got none: that is no answer, and not a minute without requests.
    *awaited* says which requests are due and not counted yet, and what they wait for; empty where there are none.
    """

    since: datetime
    now: datetime
    requests: int
    errors: int
    judgement: RolloutJudgement | None
    orders: tuple[RolloutOrder, ...] = ()
    alerts: tuple[str, ...] = ()
    foreign: str = ""
    replayed: int = 0
    revoked: bool = False
    unmeasured: bool = False
    awaited: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """*worse*: the new version is to blame. *overdue*: it has waited so long that a person must advance or abort."""

    decision: StepDecision
    because: str
    worse: bool = False
    overdue: bool = False


def judge_step(policy: RolloutPolicy, step: int, steps: int, facts: StepFacts) -> StepOutcome:
    """Step number *step* of *steps* as *facts* have it; the one after the last is the soak, that before the first
    (SHADOW) the phase of copies.

    What goes against the version counts at every moment, in a pause as well. What speaks for it counts only after the
    time of the step.
    """
    soaks = step >= steps
    against = _against(policy, facts, soaks)
    if against is not None:
        return against
    verdict = facts.judgement.verdict if facts.judgement else None
    pause = newest(facts.orders, RolloutOrderKind.PAUSE, RolloutOrderKind.RESUME)
    if pause is not None and pause.kind is RolloutOrderKind.PAUSE:
        return _wait(f"paused by {pause.name}: {pause.reason}")
    advance = newest((order for order in facts.orders if order.step == step), RolloutOrderKind.ADVANCE)
    if advance is not None:
        return StepOutcome(
            decision=StepDecision.ADVANCE, because=f"advanced by {advance.name} over {verdict}: {advance.reason}"
        )
    limits = _soak_limits(policy) if soaks else _shadow_limits(policy) if step == SHADOW else policy.each
    elapsed_s = (facts.now - facts.since).total_seconds() - paused_s(facts.orders, facts.since, facts.now)
    if verdict is RolloutVerdict.BOTH_SICK:
        because = f"both versions are sick, and neither is to blame: {_sentence(facts)}"
        return _wait(because, overdue=elapsed_s >= limits.at_most_s)
    return _in_time(policy, step, facts, limits, soaks, elapsed_s)


def _against(policy: RolloutPolicy, facts: StepFacts, soaks: bool) -> StepOutcome | None:
    """What ends a step for bad, None where nothing does."""
    abort = newest(facts.orders, RolloutOrderKind.ABORT)
    if abort is not None:
        return StepOutcome(decision=StepDecision.ABORT, because=f"aborted by {abort.name}: {abort.reason}")
    if facts.revoked:
        return StepOutcome(decision=StepDecision.ABORT, because="it was revoked; see `signalbox history`")
    # Before the verdict: to put the traffic back would undo what somebody else has just done, perhaps because of the
    # same fault.
    if facts.foreign:
        return StepOutcome(decision=StepDecision.STOP, because=facts.foreign)
    verdict = facts.judgement.verdict if facts.judgement else None
    if verdict is RolloutVerdict.ABORT:
        return StepOutcome(decision=StepDecision.ABORT, because=_sentence(facts), worse=True)
    if facts.alerts:
        return StepOutcome(
            decision=StepDecision.ABORT, because=f"alerts fire on it: {', '.join(facts.alerts)}", worse=True
        )
    limit = policy.compare.sick_above
    # With a champion beside it the judgement blames the arm that is sick. Alone it is compared with nobody, and only
    # this looks.
    is_alone = soaks or facts.judgement is None
    if is_alone and is_sick(facts.errors, facts.requests, limit):
        because = f"{facts.errors} of {facts.requests} of its requests failed, over {limit:.0%}"
        return StepOutcome(decision=StepDecision.ABORT, because=because, worse=True)
    return None


def _in_time(
    policy: RolloutPolicy, step: int, facts: StepFacts, limits: StepLimits, soaks: bool, elapsed_s: float
) -> StepOutcome:
    missing = _missing(policy, step, facts, limits, soaks, elapsed_s)
    if not missing:
        return StepOutcome(decision=StepDecision.ADVANCE, because=_sentence(facts))
    missing += f"; {facts.awaited}" if facts.awaited else ""
    late = elapsed_s >= limits.at_most_s
    if late and policy.inconclusive is WhenInconclusive.ABORT:
        because = f"undecided after {limits.at_most_s} s: {missing}"
        return StepOutcome(decision=StepDecision.ABORT, because=because)
    because = f"undecided after {limits.at_most_s} s, a person must advance or abort: {missing}" if late else missing
    return _wait(because, overdue=late)


def _missing(
    policy: RolloutPolicy, step: int, facts: StepFacts, limits: StepLimits, soaks: bool, elapsed_s: float
) -> str:
    """What the step still lacks, empty where it lacks nothing."""
    if elapsed_s < limits.at_least_s:
        return f"{elapsed_s:.0f} s of at least {limits.at_least_s} s have passed"
    if facts.requests + facts.replayed < limits.requests:
        replayed = f" and {counted(facts.replayed, 'input')} replayed" if facts.replayed else ""
        least = f"of at least {limits.requests}"
        return f"{counted(facts.requests, f'request {least} was', f'requests {least} were')} counted{replayed}"
    if facts.unmeasured:
        return "nothing was counted in this look: no answer is not zero requests"
    # One look has few requests, and may miss by chance that both are sick: the step as a whole must not be.
    if facts.errors > policy.compare.sick_above * facts.requests:
        return f"{facts.errors} of {counted(facts.requests, 'request')} failed, over {policy.compare.sick_above:.0%}"
    judgement = facts.judgement
    if judgement is None:
        return ""
    if soaks:
        return _missing_weeks_apart(judgement, limits)
    verdict = judgement.verdict
    next_step = policy.steps[step + 1] if step + 1 < len(policy.steps) else None
    must_clear = next_step is not None and next_step.cleared
    if must_clear and verdict is not RolloutVerdict.CLEARED:
        return f"it is not cleared: {judgement.because}"
    if verdict in (RolloutVerdict.NO_DATA, RolloutVerdict.FOREIGN) or judgement.is_clustered:
        return judgement.because
    return ""


def _missing_weeks_apart(judgement: RolloutJudgement, limits: StepLimits) -> str:
    """What the soak's comparison with the week before lacks: silence then is no sign of health now."""
    (errors,) = (part for part in judgement.comparisons if part.name == weeks_apart(ERRORS))
    if errors.champion < limits.requests:
        return f"{errors.champion} requests of the same hours a week before were counted, of at least {limits.requests}"
    is_open = judgement.verdict is RolloutVerdict.NO_DATA or judgement.is_clustered
    return judgement.because if is_open else ""


def _shadow_limits(policy: RolloutPolicy) -> StepLimits:
    # Nobody has documented whether copies are counted, so none are asked for.
    for_s = policy.mirror.for_s if policy.mirror else 0
    return StepLimits(at_least_s=for_s, at_most_s=for_s, requests=0)


def _soak_limits(policy: RolloutPolicy) -> StepLimits:
    # A soak without requests is none, and it has no other end than a person's.
    return StepLimits(
        at_least_s=policy.soak.for_s, at_most_s=policy.soak.for_s + policy.each.at_most_s, requests=policy.soak.requests
    )


def _wait(because: str, overdue: bool = False) -> StepOutcome:
    return StepOutcome(decision=StepDecision.WAIT, because=because, overdue=overdue)


def _sentence(facts: StepFacts) -> str:
    return (
        facts.judgement.because if facts.judgement else f"{facts.errors} of {counted(facts.requests, 'request')} failed"
    )
