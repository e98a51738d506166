"""Look at what people have decided, as recorded; remind those who have not. The events are only wake-ups."""

from datetime import datetime, timedelta

from activities.effects import once, stamp
from activities.promotion.forgeries import tell_forgeries
from shared import contracts as c
from shared.application.promotion.decisions import log_withdrawals
from shared.application.promotion.standing import asked_at, asked_since, askers_of, break_glass, glass_stage, judgement
from shared.application.promotion.stored_plans import stage_order
from shared.application.promotion.superseding import superseded_by
from shared.application.rollout.orders import aborted
from shared.clients import Clients
from shared.domain.promotion.approvals import ApprovalStanding, Judgement, who_can
from shared.records.lists.rows import PROMOTIONS, note_change
from shared.records.promotion import SignedDecision, decisions
from shared.records.statements import ForgedError

_FIRST_LOOK_S, _GROWTH = 300.0, 1.25


def look_at_approvals(clients: Clients, step: c.StageStep) -> c.ApprovalsSeen:
    """Where the approvals of a stage stand, and when to look again. The first look starts the clock."""
    order = stage_order(clients.statements, clients.ledger, step)
    records = _decisions(clients, order, order.stage)
    now, policy = clients.clock.now(), order.at.stage.approvals
    judgement_now = judgement(clients.statements, clients.ledger, order, now, records)
    is_first = asked_since(clients.ledger, order) is None
    since = asked_at(clients.ledger, order, now)
    if is_first:
        note_change(clients.hub, clients.store.container, PROMOTIONS, order.promotion.id)
    waited_s = (now - since).total_seconds()
    if because := superseded_by(clients.store, order.promotion.id):
        return c.ApprovalsSeen(standing=ApprovalStanding.REJECTED, unmet=(because,), waited_s=waited_s)
    if because := aborted(clients.statements, order.promotion.id, order.stage):
        return c.ApprovalsSeen(standing=ApprovalStanding.REJECTED, unmet=(because,), waited_s=waited_s)
    if judgement_now.standing is ApprovalStanding.EXPIRED:
        until = since + timedelta(seconds=policy.expire_after_s)
        times = [moment.isoformat(timespec="minutes") for moment in (since, until)]
        expiry = f"the approvals expired: asked for at {times[0]}, not all given until {times[1]}; promote it again"
        return c.ApprovalsSeen(standing=judgement_now.standing, unmet=(expiry, *judgement_now.unmet), waited_s=waited_s)
    if judgement_now.standing is not ApprovalStanding.WAITING:
        return c.ApprovalsSeen(standing=judgement_now.standing, unmet=judgement_now.unmet, waited_s=waited_s)
    reminder = int(waited_s // policy.remind_after_s)
    marks = [(reminder + 1) * policy.remind_after_s, policy.expire_after_s]
    # Each of the times at which something is due is a mark of its own, so that the growing pause never sleeps through a
    # reminder, the escalation or the expiry.
    marks += [policy.escalate_after_s] if waited_s < policy.escalate_after_s else []
    look_again_s = max(1.0, min([_unasked(waited_s), *marks]) - waited_s)
    return c.ApprovalsSeen(
        standing=judgement_now.standing,
        unmet=judgement_now.unmet,
        look_again_s=look_again_s,
        reminders_due=reminder + 1,
    )


def _decisions(clients: Clients, order: c.StageOrder, folder: str) -> list[SignedDecision]:
    """Those in *folder*. What is planted beside them while people think is told of before it could matter, and the
    audit log gets the withdrawals that it does not have."""
    forgeries: list[ForgedError] = []
    records = list(decisions(clients.statements, order.promotion.id, folder, forgeries))
    tell_forgeries(clients, str(order.plan.model), forgeries)
    log_withdrawals(clients.audit, order.promotion, records)
    return records


def _unasked(waited: float) -> float:
    """When to look though nothing woke us. Wake-ups are seldom lost, and each look is a replay: ever more rarely."""
    return max(_FIRST_LOOK_S, waited * _GROWTH)


def look_at_glass(clients: Clients, step: c.StageStep) -> c.ApprovalsSeen:
    """Whether the failing gates of the step's phase have been overridden, by everybody who must."""
    order = stage_order(clients.statements, clients.ledger, step)
    _decisions(clients, order, glass_stage(order.stage, order.phase))
    glass, now = clients.configuration.ladder.break_glass, clients.clock.now()
    if break_glass(clients.statements, glass, order, now):
        return c.ApprovalsSeen(standing=ApprovalStanding.APPROVED)
    policy = glass.policy
    roles = policy.asked(askers_of(clients.store, order.promotion, order.plan.digest))
    unmet = tuple(f"break the glass as {role.name}: {who_can(role, policy)}" for role in roles)
    left_s = glass.longest_s - (now - asked_at(clients.ledger, order, now)).total_seconds()
    standing = ApprovalStanding.WAITING if left_s > 0 and roles else ApprovalStanding.EXPIRED
    if roles and left_s <= 0:
        unmet = ("the glass was not broken in time", *unmet)
    return c.ApprovalsSeen(standing=standing, unmet=unmet, look_again_s=max(1.0, left_s))


def remind_approvers(clients: Clients, step: c.StageStep) -> c.Done:
    """Ask, and ask again, and past the escalation time ask those it escalates to as well."""

    def act() -> c.Done:
        order = stage_order(clients.statements, clients.ledger, step)
        now, policy = clients.clock.now(), order.at.stage.approvals
        judgement_now = judgement(clients.statements, clients.ledger, order, now)
        is_late = now >= asked_at(clients.ledger, order, now) + timedelta(seconds=policy.escalate_after_s)
        data = {
            "promotion": order.promotion.id,
            "model": str(order.plan.model),
            "stage": order.stage,
            "evidence": order.evidence,
            "unmet": list(judgement_now.unmet),
            "roles": _waited_for(clients, order, judgement_now),
            "until": _expiry(clients, order, now).isoformat(timespec="minutes"),
            "reminder": order.number,
            "tell": list(policy.escalate_to) if is_late else [],
        }
        kind = "Signalbox.Promotion.ApprovalEscalated" if is_late else "Signalbox.Promotion.ApprovalRequested"
        clients.announcer.announce(order.key, kind, f"promotions/{order.promotion.id}", data)
        return c.Done(at=stamp(clients))

    return once(clients, step.key, c.Done, act)


def _waited_for(clients: Clients, order: c.StageOrder, judgement_now: Judgement) -> list[str]:
    """The names of the roles that have not approved."""
    asked = order.at.stage.approvals.asked(askers_of(clients.store, order.promotion, order.plan.digest))
    approved = {approval.role for approval in judgement_now.approvals}
    return [role.name for role in asked if role.name not in approved]


def _expiry(clients: Clients, order: c.StageOrder, now: datetime) -> datetime:
    return asked_at(clients.ledger, order, now) + timedelta(seconds=order.at.stage.approvals.expire_after_s)
