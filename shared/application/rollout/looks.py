"""Judge a look at a rollout: counts become evidence, and a recorded step is judged again from its own counts."""

from dataclasses import replace

from shared import contracts as c
from shared.application.rollout.counts import Arms
from shared.domain.failures import Refused
from shared.domain.promotion.plans import StagePlan
from shared.domain.rollout.policy import RolloutPolicy
from shared.domain.rollout.steps import SHADOW, StepDecision, StepFacts, StepOutcome, judge_step
from shared.domain.statistics.sequential.rollout_evidence import LookCounts, RolloutEvidence
from shared.domain.statistics.sequential.verdicts import judge_rollout
from shared.records.production.rollouts import FrozenCounts, StepRecord, step_at
from shared.records.statements import Statements


def policy_of(at: StagePlan) -> RolloutPolicy:
    """Raises Refused for a stage that shifts no traffic."""
    if at.stage.rollout is None:
        raise Refused(f"stage {at.stage.name} has no rollout: its traffic is switched at once")
    return at.stage.rollout


def evidence_with(
    policy: RolloutPolicy, arms: Arms, evidence: RolloutEvidence, counts: FrozenCounts, soaks: bool
) -> RolloutEvidence:
    """*evidence* and one look more; the same where nothing is compared."""
    if not is_compared(policy, arms, soaks):
        return evidence
    test = policy.test
    names = {comparison.name for comparison in test.compared(soaks)}
    look = counts.look
    if soaks:  # The soak has no champion beside it, and no shares.
        look = LookCounts(minutes={name: minutes for name, minutes in look.minutes.items() if name in names})
    return evidence.with_look(look, test)


def is_compared(policy: RolloutPolicy, arms: Arms, soaks: bool) -> bool:
    """Whether a look compares: with the champion beside it, or in the soak with the week before."""
    return bool(arms.champion and policy.soak.compare) if soaks else arms.is_compared


def judge_look(
    policy: RolloutPolicy, arms: Arms, step: int, steps: int, evidence: RolloutEvidence, facts: StepFacts
) -> StepOutcome:
    """The outcome of step number *step* of *steps*; *facts* come without the judgement, which is made here."""
    soaks = step >= steps
    judgement = judge_rollout(evidence, policy.test, soaks) if is_compared(policy, arms, soaks) else None
    return judge_step(policy, step, steps, replace(facts, judgement=judgement))


def judge_recorded_step(statements: Statements, order: c.StageOrder) -> str:
    """Why the step before *order* lets it go on. Raises Refused where its own record says that it does not."""
    step = SHADOW if order.number == SHADOW else order.number - 1
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
    evidence, soaks = record.before, record.step >= steps
    if record.counts.is_counted:
        evidence = evidence_with(policy, arms, evidence, record.counts, soaks)
    evidence = evidence_with(policy, arms, evidence, record.last, soaks)
    facts = StepFacts(
        since=record.since,
        now=record.ended,
        requests=record.requests,
        errors=record.errors,
        judgement=None,
        orders=record.orders,
        alerts=record.alerts,
        foreign=record.foreign,
        replayed=record.counts.replayed + record.last.replayed,
        revoked=record.revoked,
        unmeasured=record.unmeasured,
    )
    return judge_look(policy, arms, record.step, steps, evidence, facts)


def arms_of(at: StagePlan, canary: str, step: int) -> Arms:
    """The arms of step number *step* of a stage; in the soak the new version has all, in the shadow none."""
    weights = at.weights
    weight = 0 if step == SHADOW else weights[step] if step < len(weights) else 100
    return Arms(canary=canary, champion=at.champion.deployment, weight=weight)
