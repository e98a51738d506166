"""The change request that gates a stage of a promotion: opened once for its evidence, looked at, closed once."""

from datetime import datetime, timedelta

from activities.effects import once, stamp
from activities.provisioning.orders import mark_of
from shared import contracts as c
from shared.application.promotion.stored_plans import stage_order
from shared.application.promotion.superseding import superseded_by
from shared.application.provisioning.stage_changes import correlation_of, opened_change, rules_of, seen_change
from shared.application.rollout.orders import aborted
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import ApprovalStanding
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.plans import Phase
from shared.domain.provisioning.plans import ChangeVerdict
from shared.records import paths
from shared.records.promotion import evidence_pack_at

# People decide within hours: the first look is soon, and later ones are ever rarer, since each is a replay.
_FIRST_LOOK_S, _GROWTH, _RAREST_S = 60.0, 1.25, 3600.0
_STANDINGS = {
    ChangeVerdict.APPROVED: ApprovalStanding.APPROVED,
    ChangeVerdict.STOPPED: ApprovalStanding.REJECTED,
    ChangeVerdict.WAITING: ApprovalStanding.WAITING,
}


def open_stage_change(clients: Clients, step: c.StageStep) -> c.StageChange:
    """The change request, found by its correlation before it is made: there is one for each evidence."""
    order = stage_order(clients.statements, clients.ledger, step)

    def act() -> c.StageChange:
        rules, correlation = rules_of(order), correlation_of(step.promotion.id, step.stage, step.evidence)
        asked_by = step.promotion.requested_by or "Signalbox"
        fields = {
            "short_description": f"Promote {order.plan.model} to {step.stage}",
            "description": (
                f"Promotion {step.promotion.id} of {order.plan.model}, asked for by {asked_by}.\n"
                f"Bundle {order.plan.digest}, plan {order.plan_digest}.\n"
                f"Evidence {step.evidence}. Only what this evidence is about is moved.\n"
                f"Reason: {step.promotion.reason[:1000]}"
            ),
            "correlation_display": "signalbox",
        }
        if rules.assignment_group:
            fields["assignment_group"] = rules.assignment_group
        desk = clients.provisioner.desk
        change = desk.open_change(correlation, fields)
        desk.note_change(correlation, mark_of(step.key), f"Opened for evidence {step.evidence}.")
        facts = {"promotion": step.promotion.id, "stage": step.stage, "evidence": step.evidence}
        facts |= {"change": change.number, "sys_id": change.sys_id}
        entry = clients.audit.append(step.key, "change opened", str(order.plan.model), "signalbox", facts)
        return c.StageChange(number=entry.facts["change"], sys_id=entry.facts["sys_id"], opened=stamp(clients))

    return once(clients, step.key, c.StageChange, act)


def look_at_stage_change(clients: Clients, step: c.StageStep) -> c.ApprovalsSeen:
    """Where the change stands, and when to look again."""
    order = stage_order(clients.statements, clients.ledger, step)
    opened = opened_change(clients.ledger, clients.audit, order)
    if opened is None:
        raise Refused(f"no change was opened for {step.evidence} at {step.stage}")
    because = superseded_by(clients.store, step.promotion.id) or aborted(
        clients.statements, step.promotion.id, step.stage
    )
    if because:
        return c.ApprovalsSeen(standing=ApprovalStanding.REJECTED, unmet=(because,))
    verdict, because = seen_change(clients.provisioner.desk, order, opened)
    rules, since = rules_of(order), datetime.fromisoformat(opened.opened)
    waited_s = (clients.clock.now() - since).total_seconds()
    if verdict is ChangeVerdict.WAITING and waited_s >= rules.give_up_after_s:
        until = (since + timedelta(seconds=rules.give_up_after_s)).isoformat(timespec="minutes")
        because = f"nobody approved {opened.number} before {until}; promote it again"
        return c.ApprovalsSeen(standing=ApprovalStanding.EXPIRED, unmet=(because,), waited_s=waited_s)
    next_look_s = min(max(_FIRST_LOOK_S, waited_s * (_GROWTH - 1)), _RAREST_S, rules.give_up_after_s - waited_s)
    return c.ApprovalsSeen(
        standing=_STANDINGS[verdict], unmet=(because,), look_again_s=max(1.0, next_look_s), waited_s=waited_s
    )


def close_stage_change(clients: Clients, closing: c.StageChangeClosing) -> c.Done:
    """Close the change with the promotion's outcome. It is found by the evidence that people were shown, and not by the
    record of its opening, which a host that died may not have written."""

    def act() -> c.Done:
        step = c.StageStep(
            key=closing.key,
            promotion=closing.promotion,
            plan_digest=closing.plan_digest,
            stage=closing.stage,
            phase=Phase.ENTRY,
        )
        order = stage_order(clients.statements, clients.ledger, step)
        path = paths.evidence(closing.promotion.id, closing.stage, Phase.ENTRY.value, "pack.json")
        shown = evidence_pack_at(clients.statements, path, order)
        if shown is not None:  # Otherwise nobody was asked.
            correlation = correlation_of(closing.promotion.id, closing.stage, canonical_digest(shown))
            is_promoted = closing.fate is c.Fate.PROMOTED
            text = f"Promotion {closing.promotion.id} ended {closing.fate.value}: {closing.because}"
            clients.provisioner.desk.close_change(correlation, is_promoted, text)
            facts = {"promotion": closing.promotion.id, "stage": closing.stage, "fate": closing.fate.value}
            clients.audit.append(closing.key, "change closed", str(order.plan.model), "signalbox", facts)
        return c.Done(at=stamp(clients))

    return once(clients, closing.key, c.Done, act)
