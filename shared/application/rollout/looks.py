"""Looks at a rollout: counts become evidence, and a recorded step is judged again from its own counts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from shared import contracts as c
from shared.domain.failures import Refused
from shared.domain.promotion.plans import StagePlan
from shared.domain.rollout.policy import ERRORS, SLOW, RolloutPolicy
from shared.domain.rollout.steps import StepDecision, StepFacts, StepOutcome, judge_step
from shared.domain.statistics.sequential.counts import MinuteCounts, ShareCounts
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.domain.statistics.sequential.verdicts import judge_rollout
from shared.ports import DeploymentMinute
from shared.records.production.rollouts import FrozenCounts, StepRecord, step_at
from shared.records.statements import Statements

_Bad = Callable[[DeploymentMinute], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The deployments of a step: the *canary* has *weight* percent, and the *champion*, if there is one, the rest."""

    canary: str
    champion: str
    weight: int

    @property
    def is_compared(self) -> bool:
        return bool(self.champion) and self.weight < 100


def policy_of(at: StagePlan) -> RolloutPolicy:
    """Raises Refused for a stage that shifts no traffic."""
    if at.stage.rollout is None:
        raise Refused(f"stage {at.stage.name} has no rollout: its traffic is switched at once")
    return at.stage.rollout


def frozen_counts(minutes: Iterable[DeploymentMinute], arms: Arms) -> FrozenCounts:
    """The counts of both arms. What other deployments answered is nobody's: it only shows that the traffic is foreign.

    A minute that was measured for one arm only counts as without requests for the other: metrics leave zeros out. Parts
    of one minute are added up.
    """
    by_arm: dict[str, dict[int, DeploymentMinute]] = {arms.canary: {}, arms.champion: {}}
    for minute in minutes:
        if minute.deployment in by_arm:
            arm = by_arm[minute.deployment]
            arm[minute.minute] = _sum(arm[minute.minute], minute) if minute.minute in arm else minute
    canary, champion = by_arm[arms.canary], by_arm[arms.champion]
    measured = sorted(canary.keys() | champion.keys())
    errors = tuple(
        _counts(minute, canary.get(minute), champion.get(minute), lambda counted: counted.bad) for minute in measured
    )
    slow = tuple(
        _counts(minute, canary.get(minute), champion.get(minute), lambda counted: counted.slow or 0)
        for minute in measured
        if _has_latencies(canary.get(minute)) and _has_latencies(champion.get(minute))
    )
    shares = tuple(
        ShareCounts(minute=counts.minute, canary=counts.canary, champion=counts.champion, percent=arms.weight)
        for counts in errors
    )
    return FrozenCounts(minutes={ERRORS: errors, **({SLOW: slow} if slow else {})}, shares=shares)


def evidence_with(policy: RolloutPolicy, evidence: RolloutEvidence, counts: FrozenCounts) -> RolloutEvidence:
    """*evidence* and one look more."""
    return evidence.with_look(counts.look, policy.test)


def judge(
    policy: RolloutPolicy, arms: Arms, step: int, steps: int, evidence: RolloutEvidence, facts: StepFacts
) -> StepOutcome:
    """The outcome of step number *step* of *steps*; *facts* come without the judgement, which is made here."""
    judgement = judge_rollout(evidence, policy.test) if arms.is_compared else None
    return judge_step(policy, step, steps, replace(facts, judgement=judgement))


def judge_recorded_step(statements: Statements, order: c.StageOrder) -> str:
    """Why the step before *order* lets it go on. Raises Refused where its own record says that it does not."""
    step = order.number - 1
    record = step_at(statements, order.promotion.id, order.stage, step)
    if record is None:
        raise Refused(f"step {step} of {order.stage} has no record: nothing goes on without it")
    if record.evidence != order.evidence:
        raise Refused(f"the record of step {step} of {order.stage} is {record.evidence}, ordered was {order.evidence}")
    outcome = outcome_of(policy_of(order.at), record, arms_of(order.at, "", record.step), len(order.at.weights))
    if outcome.decision is not StepDecision.ADVANCE:
        raise Refused(f"step {step} of {order.stage} does not go on: {outcome.because}")
    return outcome.because


def outcome_of(policy: RolloutPolicy, record: StepRecord, arms: Arms, steps: int) -> StepOutcome:
    """What follows from *record*, judged anew."""
    evidence = record.before
    if arms.is_compared:
        earlier = evidence_with(policy, evidence, record.counts) if record.counts.shares else evidence
        evidence = evidence_with(policy, earlier, record.last)
    facts = StepFacts(
        since=record.since,
        now=record.ended,
        requests=record.requests,
        errors=record.errors,
        judgement=None,
        orders=record.orders,
        alerts=record.alerts,
        foreign=record.foreign,
    )
    return judge(policy, arms, record.step, steps, evidence, facts)


def arms_of(at: StagePlan, canary: str, step: int) -> Arms:
    """The arms of step number *step* of a stage; in the soak the new version has all."""
    weights = at.weights
    weight = weights[step] if step < len(weights) else 100
    return Arms(canary=canary, champion=at.champion.deployment, weight=weight)


def _counts(
    minute: int,
    canary: DeploymentMinute | None,
    champion: DeploymentMinute | None,
    bad: Callable[[DeploymentMinute], int],
) -> MinuteCounts:
    return MinuteCounts(
        minute=minute,
        canary=canary.requests if canary else 0,
        champion=champion.requests if champion else 0,
        canary_bad=bad(canary) if canary else 0,
        champion_bad=bad(champion) if champion else 0,
    )


def _sum(part: DeploymentMinute, other: DeploymentMinute) -> DeploymentMinute:
    measured = part.slow is not None and other.slow is not None
    return replace(
        part,
        requests=part.requests + other.requests,
        bad=part.bad + other.bad,
        slow=(part.slow or 0) + (other.slow or 0) if measured else None,
    )


def _has_latencies(minute: DeploymentMinute | None) -> bool:
    return minute is None or minute.slow is not None
