"""What a look leaves behind: the signed record of a step that has ended, its page, and where the rollout stands."""

from functools import reduce

from activities.effects import stamp
from activities.rollout.watched_steps import WatchedStep
from shared.clients import Clients
from shared.domain.failures import Transient
from shared.domain.rollout.policy import ERRORS
from shared.domain.statistics.sequential.verdicts import judge_rollout
from shared.records.lists.rows import PROMOTIONS, note_change
from shared.records.production import paths
from shared.records.production.rollouts import FrozenCounts, RecordedLook, RolloutStanding, StepRecord, sign_step
from shared.records.statements import Statements


def end_step(clients: Clients, watched: WatchedStep, look: RecordedLook) -> str:
    """Sign how the step ended, and write its page; returns the digest that the next receipt names."""
    step, statements = watched.order, clients.statements
    if watched.record(statements) is None:
        sign_step(statements, watched.subject, _step_record(statements, watched, look))
    record = watched.record(statements)
    if record is None:
        raise Transient(f"the record of step {step.step} of {step.stage} was removed while it was written")
    if watched.is_compared:
        page = _page(watched, record, [*watched.looks_before(statements), look])
        path = paths.rollout_step(step.promotion.id, step.stage, step.step, "step.html")
        clients.store.create_file(path, page.encode())
    facts = {
        "promotion": step.promotion.id,
        "stage": step.stage,
        "step": step.step,
        "decision": look.decision,
        "because": look.because,
        "evidence": record.evidence,
    }
    clients.audit.append(f"{step.key}/ended", "rollout step ended", watched.subject[0], "signalbox", facts)
    return record.evidence


def show_standing(clients: Clients, watched: WatchedStep, look: RecordedLook) -> None:
    """Where the rollout stands, for people to read; written over at each look."""
    step = watched.order
    standing = RolloutStanding(
        promotion=step.promotion.id,
        model=watched.subject[0],
        environment=watched.served.workspace.name,
        endpoint=watched.served.endpoint,
        deployment=watched.arms.canary,
        champion=watched.arms.champion,
        stage=step.stage,
        step=step.step,
        weights=watched.at.weights,
        since=step.since,
        looks=step.looks + 1,
        decision=look.decision,
        because=look.because,
        at=stamp(clients),
        overdue=look.overdue,
        late=look.late,
    )
    clients.store.overwrite(paths.rollout(step.promotion.id), standing)
    note_change(clients.hub, clients.store.container, PROMOTIONS, step.promotion.id)


def _step_record(statements: Statements, watched: WatchedStep, look: RecordedLook) -> StepRecord:
    counts = [*(earlier.counts for earlier in watched.looks_before(statements)), look.counts]
    counted = [part for part in counts if part.is_counted] or [FrozenCounts()]
    step = watched.order
    return StepRecord(
        promotion=step.promotion.id,
        stage=step.stage,
        step=step.step,
        weight=watched.arms.weight,
        since=watched.since,
        ended=look.at,
        before=watched.evidence_before(statements),
        after=look.evidence,
        counts=reduce(FrozenCounts.joined, counted[:-1], FrozenCounts()),
        last=counted[-1],
        requests=look.requests,
        errors=look.errors,
        orders=look.orders,
        alerts=look.alerts,
        foreign=look.foreign,
        decision=look.decision,
        because=look.because,
        inputs=look.inputs,
        revoked=look.revoked,
        unmeasured=look.unmeasured,
        late=look.late,
    )


def _page(watched: WatchedStep, record: StepRecord, looks: list[RecordedLook]) -> str:
    """The step for people to look at: weights, counts, the odds ratio and the evidence over time."""
    from shared.evidence_page.rollout import step_page
    from shared.evidence_page.rollout_figures import StepFigures, look_of

    test, soaks = watched.policy.test, watched.soaks
    rows = []
    for look in looks:
        errors = look.counts.minutes.get(ERRORS, ())
        units = sum(minute.canary for minute in errors), sum(minute.champion for minute in errors)
        rows.append(look_of(look.at.isoformat(), record.weight, units, judge_rollout(look.evidence, test, soaks)))
    figures = StepFigures(
        rollout=record.promotion,
        endpoint=watched.served.endpoint,
        canary=watched.subject[0],
        champion=watched.at.champion.model or watched.arms.champion,
        number=record.step + 1,
        steps=len(watched.at.weights),
        percent=record.weight,
        since=record.since.isoformat(),
        written=record.ended.isoformat(),
        unit=test.unit,
        confidence=test.confidence,
        judgement=judge_rollout(record.after, test, soaks),
        looks=tuple(rows),
    )
    return step_page(figures, record.evidence)
