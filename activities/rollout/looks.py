"""Take a look at a step of a rollout: count what is final, judge_look, and record what was judged by."""

from dataclasses import replace
from datetime import datetime

from activities.effects import once, stamp
from activities.promotion.forgeries import tell_forgeries
from activities.rollout.arrivals import compare_arrivals
from activities.rollout.counting import CountedLook, count_look
from activities.rollout.replays import replay
from activities.rollout.step_records import end_step, show_standing
from activities.rollout.watched_steps import WatchedStep, watched_step
from shared import contracts as c
from shared.application.rollout.counts import units_of
from shared.application.rollout.looks import evidence_with, judge_look
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.rollout.orders import RolloutOrder
from shared.domain.rollout.steps import SHADOW, StepDecision, StepFacts
from shared.domain.rollout.traffic import shares
from shared.ports import EndpointKind
from shared.records.production.rollouts import RecordedLook, orders_of, sign_look
from shared.records.registry import is_revoked
from shared.records.statements import ForgedError


def take_look(clients: Clients, step: c.RolloutStep) -> c.LookTaken:
    """The look, which is taken once; what it decides is judged again by the receipt of the next step."""
    return once(clients, f"{step.key}/looks/{step.looks}", c.LookTaken, lambda: _take(clients, step))


def _take(clients: Clients, step: c.RolloutStep) -> c.LookTaken:
    """Look, record it, and say what follows."""
    watched, statements = watched_step(clients, step), clients.statements
    look = watched.look(statements, step.looks)
    if look is None:  # What was seen before a crash stands.
        sign_look(statements, watched.subject, step.promotion.id, step.stage, _look(clients, watched))
        look = watched.look(statements, step.looks)
    if look is None:
        raise Transient(f"look {step.looks} at step {step.step} was removed while it was taken")
    decision, evidence = StepDecision(look.decision), ""
    if decision is not StepDecision.WAIT:
        evidence = end_step(clients, watched, look)
    show_standing(clients, watched, look)
    if look.overdue:
        _tell_undecided(clients, watched, look.because)
    return c.LookTaken(
        decision=decision,
        because=look.because,
        wait_s=float(watched.policy.look.every_s),
        evidence=evidence,
        worse=look.worse,
    )


def _tell_undecided(clients: Clients, watched: WatchedStep, because: str) -> None:
    """Announce once that the step waits for a person, since nothing has settled it in its time."""
    step = watched.order
    key = identity.promotion_key(step.promotion.id, f"{step.stage}/steps/{step.step}/undecided")
    data = {"promotion": step.promotion.id, "model": watched.subject[0], "stage": step.stage, "step": step.step}
    data |= {"because": because}

    def act() -> c.Done:
        clients.announcer.announce(key, "Signalbox.Rollout.Undecided", f"promotions/{step.promotion.id}", data)
        return c.Done(at=stamp(clients))

    once(clients, key, c.Done, act)


def _look(clients: Clients, watched: WatchedStep) -> RecordedLook:
    statements, now = clients.statements, clients.clock.now()
    earlier = watched.look_before(statements)
    counted, before = count_look(clients, watched, earlier, now), watched.step_before(statements)
    used_before = before.inputs if before else 0
    used = earlier.inputs if earlier else used_before
    evidence = earlier.evidence if earlier else watched.evidence_before(statements)
    requests = units_of(counted.counts.minutes)[0] + (earlier.requests if earlier else 0)
    pairs = replay(clients, watched, evidence, requests + used - used_before, used, now)
    arrivals = compare_arrivals(clients, watched, evidence, now)
    counts = replace(counted.counts, replay=pairs, batch=arrivals.pairs, arrivals=arrivals.runs)
    if counts.is_counted or earlier is None:
        evidence = evidence_with(watched.policy, watched.arms, evidence, counts, watched.soaks)
    facts = _facts(clients, watched, earlier, counted, now)
    facts = replace(
        facts, replayed=used - used_before + counts.replayed, unmeasured=facts.unmeasured and not counts.replayed
    )
    step = watched.order
    outcome = judge_look(watched.policy, watched.arms, step.step, len(watched.at.weights), evidence, facts)
    return RecordedLook(
        step=step.step,
        number=step.looks,
        at=now,
        through=counted.through,
        counts=counts,
        evidence=evidence,
        requests=facts.requests,
        errors=facts.errors,
        orders=facts.orders,
        alerts=facts.alerts,
        foreign=facts.foreign,
        decision=outcome.decision.value,
        because=outcome.because,
        worse=outcome.worse,
        outputs_through=counted.outputs_through,
        inputs=used + counts.replayed,
        revoked=facts.revoked,
        unmeasured=facts.unmeasured,
        overdue=outcome.overdue,
        first=counted.first,
        late=counted.late.plus(earlier.late) if earlier else counted.late,
    )


def _facts(
    clients: Clients, watched: WatchedStep, earlier: RecordedLook | None, counted: CountedLook, now: datetime
) -> StepFacts:
    requests, errors = units_of(counted.counts.minutes)
    return StepFacts(
        since=watched.since,
        now=now,
        requests=requests + (earlier.requests if earlier else 0),
        errors=errors + (earlier.errors if earlier else 0),
        judgement=None,
        orders=_orders(clients, watched),
        alerts=_alerts(clients, watched),
        foreign=_foreign(clients, watched),
        revoked=is_revoked(clients.statements, clients.audit, watched.plan.model),
        unmeasured=counted.is_unmeasured,
        awaited=counted.awaited,
    )


def _orders(clients: Clients, watched: WatchedStep) -> tuple[RolloutOrder, ...]:
    forgeries: list[ForgedError] = []
    step = watched.order
    orders = tuple(orders_of(clients.statements, step.promotion.id, step.stage, forgeries))
    tell_forgeries(clients, watched.subject[0], forgeries)
    return orders


def _alerts(clients: Clients, watched: WatchedStep) -> tuple[str, ...]:
    """Rules that fire about the new version, or since it has traffic about nothing smaller than the endpoint.

    An alert on the endpoint from before the rollout is about the champion.
    """
    policy, canary = watched.policy.alerts, watched.arms.canary.lower()
    if not policy.rules:
        return ()
    shifting_since = watched.shifting_since(clients.statements)
    fired = [alert for alert in clients.alerts.firing(watched.served) if policy.has_rule(alert.rule)]
    about_it = [
        alert.rule
        for alert in fired
        if alert.deployment.lower() == canary or (not alert.deployment and alert.since >= shifting_since)
    ]
    return tuple(dict.fromkeys(about_it))


def _foreign(clients: Clients, watched: WatchedStep) -> str:
    served, arms = watched.served, watched.arms
    online = clients.endpoints.find(served.workspace, EndpointKind.ONLINE, served.endpoint)
    if online is None:
        return f"endpoint {served.endpoint} is not in {served.workspace.name} any more"
    wanted = shares(arms.canary, arms.weight, arms.champion)
    mirror = watched.policy.mirror if watched.order.step == SHADOW else None
    copies = {arms.canary: mirror.percent} if mirror else {}
    if watched.at.has_shadow and online.mirror != copies:
        return f"{served.endpoint} copies requests to {online.mirror or 'none'}, and this step to {copies or 'none'}"
    if online.shares == wanted:
        return ""
    return (
        f"the traffic of {served.endpoint} is {online.shares}, and this step has set {wanted}: somebody else changed it"
    )
