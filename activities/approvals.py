"""Look at what people have decided, as recorded; remind those who have not. The events are only wake-ups."""

import json
from datetime import datetime, timedelta

from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import records
from shared.domain.promotion.approvals import Approval, ApprovalPolicy, Judgement, Standing, judge_approvals

_LOOK_AGAIN_S = 3600.0


def look_at_approvals(clients: Clients, order: c.StageOrder) -> c.ApprovalsSeen:
    """Where the approvals of a stage stand, and when to look again. The first look starts the clock."""
    policy = order.at.stage.approvals
    found = judgement(clients, order)
    if found.standing is not Standing.WAITING:
        return c.ApprovalsSeen(standing=found.standing, unmet=found.unmet)
    waited = (clients.clock.now() - _asked(clients, order)).total_seconds()
    due = int(waited // policy.remind_after_s)
    marks = [(due + 1) * policy.remind_after_s, policy.expire_after_s]
    marks += [policy.escalate_after_s] if waited < policy.escalate_after_s else []
    again = max(1.0, min(_LOOK_AGAIN_S, min(marks) - waited))
    return c.ApprovalsSeen(standing=found.standing, unmet=found.unmet, look_again_s=again, reminders_due=due + 1)


def remind_approvers(clients: Clients, order: c.StageOrder) -> c.Done:
    """Ask, and ask again, and past the escalation time ask those it escalates to as well."""

    def act() -> c.Done:
        policy, found = order.at.stage.approvals, judgement(clients, order)
        late = clients.clock.now() >= _asked(clients, order) + timedelta(seconds=policy.escalate_after_s)
        data = {
            "promotion": order.promotion.id,
            "model": str(order.plan.model),
            "stage": order.stage,
            "evidence": order.evidence,
            "unmet": list(found.unmet),
            "reminder": order.number,
            "tell": list(policy.escalate_to) if late else [],
        }
        kind = "Signalbox.Promotion.ApprovalEscalated" if late else "Signalbox.Promotion.ApprovalRequested"
        clients.announcer.announce(order.key, kind, f"promotions/{order.promotion.id}", data)
        return c.Done(at=stamp(clients))

    return once(clients, order.key, c.Done, act)


def judgement(clients: Clients, order: c.StageOrder) -> Judgement:
    """The recorded decisions on the order's stage, judged for the order's evidence at this moment."""
    policy = order.at.stage.approvals
    if not policy.roles:
        return Judgement(standing=Standing.APPROVED)
    return judge_approvals(
        policy,
        decided(clients, order.promotion.id, order.stage),
        order.evidence,
        order.promotion.requester,
        _asked(clients, order),
        clients.clock.now(),
    )


def break_glass(clients: Clients, order: c.StageOrder) -> str:
    """The override that lets failing gates pass: every role of the policy, unexpired; empty where there is none."""
    glass = clients.configuration.ladder.break_glass
    if not glass.policy.roles:
        return ""
    given = decided(clients, order.promotion.id, f"{order.stage}/break-glass-{order.phase.value}")
    if not given:
        return ""
    now, first = clients.clock.now(), min(each.at for each in given)
    policy = ApprovalPolicy(roles=glass.policy.roles, expire_after_s=glass.longest_s)
    if now >= first + timedelta(seconds=glass.longest_s):
        return ""
    found = judge_approvals(policy, given, order.plan_digest, order.promotion.requester, first, now)
    if found.standing is not Standing.APPROVED:
        return ""
    return "; ".join(f"{each.role}: {each.name} because {each.reason}" for each in found.approvals)


def decided(clients: Clients, promotion: str, stage: str) -> list[Approval]:
    """Every decision on *stage*, as recorded by the HTTP door with a verified identity."""
    state = clients.configuration.hub.state
    found = (
        clients.hub.read(state, blob.path) for blob in clients.hub.list(state, records.decisions(promotion, stage))
    )
    return [decode(Approval, json.loads(raw)) for raw in found if raw is not None]


def _asked(clients: Clients, order: c.StageOrder) -> datetime:
    """When the approvals were first looked for; recorded once for each evidence."""
    key = f"{order.key.rpartition('/')[0]}/asked-{order.evidence.removeprefix('sha256:')[:16]}"
    there = clients.ledger.find(key) or clients.ledger.record(key, {"at": clients.clock.now().isoformat()})
    return datetime.fromisoformat(there["at"])
