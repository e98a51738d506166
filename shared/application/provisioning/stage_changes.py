"""The change request of ServiceNow about the evidence of one stage of a promotion: found, judged and told of."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from shared import contracts as c
from shared.codec import decode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.identity import digest
from shared.domain.provisioning.plans import ChangeSeen, ChangeVerdict, verdict_on
from shared.domain.provisioning.rules import ChangeRules
from shared.ports import AuditLog, Ledger
from shared.ports.provisioning import ServiceDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChange:
    """The change request that was opened for the evidence of *stage*, by the audit log.

    *group* is the one of ServiceNow that it went to, *address* leads to it there, and *fate* is the promotion's once
    the change was closed with it.
    """

    stage: str
    number: str
    group: str
    at: str
    evidence: str
    address: str
    fate: str = ""


def shown_changes(audit: AuditLog, promotion: str, plan: c.Plan, instance: str) -> Iterator[ShownChange]:
    """The change requests of *promotion*, in the order of its stages; *instance* is the address of ServiceNow."""
    for at in plan.stages:
        key = identity.promotion_key(promotion, f"{at.stage.name}/entry/change")
        opened = audit.find(key) if at.stage.change else None
        if opened is None or at.stage.change is None:
            continue
        closed = audit.find(f"{key}-closed")
        page = quote(f"change_request.do?sys_id={opened.facts['sys_id']}", safe="")
        yield ShownChange(
            stage=at.stage.name,
            number=str(opened.facts["change"]),
            group=at.stage.change.assignment_group,
            at=opened.at,
            evidence=str(opened.facts["evidence"]),
            address=f"{instance}/nav_to.do?uri={page}" if instance else "",
            fate=str(closed.facts["fate"]) if closed else "",
        )


def correlation_of(promotion: str, stage: str, evidence: str) -> str:
    """Other evidence has another change request."""
    return digest(promotion, stage, evidence, length=32)


def rules_of(order: c.StageOrder) -> ChangeRules:
    rules = order.at.stage.change
    if rules is None:
        raise Refused(f"the plan of {order.plan.model} asks for no change at {order.stage}")
    return rules


def opened_change(ledger: Ledger, audit: AuditLog, order: c.StageOrder) -> c.StageChange | None:
    """The change that the audit log says was opened for the evidence of *order*, None where none was."""
    key = identity.promotion_key(order.promotion.id, f"{order.stage}/entry/change")
    raw, entry = ledger.find(key), audit.find(key)
    if raw is None or entry is None or entry.facts.get("evidence") != order.evidence:
        return None
    opened = decode(c.StageChange, raw)
    # The log has the identity: a record that somebody altered lends no approval of another change.
    return replace(opened, number=str(entry.facts["change"]), sys_id=str(entry.facts["sys_id"]))


def seen_change(desk: ServiceDesk, order: c.StageOrder, opened: c.StageChange) -> tuple[ChangeVerdict, str]:
    """What ServiceNow says now of the change that was *opened* for the evidence of *order*, in a sentence too."""
    correlation = correlation_of(order.promotion.id, order.stage, order.evidence)
    change = desk.look_at_change(correlation)
    if because := _another(change, order, opened):
        return ChangeVerdict.STOPPED, because
    because = f"{change.number} is {change.approval or 'not approved'}, state {change.state}"
    return verdict_on(change, rules_of(order)), because


def approved_change(desk: ServiceDesk, ledger: Ledger, audit: AuditLog, order: c.StageOrder) -> str:
    """The change that is approved for the evidence of *order*. Raises Refused where none is, or not any more."""
    opened = opened_change(ledger, audit, order)
    if opened is None:
        raise Refused(f"no receipt for {order.stage}: no change was opened for {order.evidence}")
    verdict, because = seen_change(desk, order, opened)
    if verdict is not ChangeVerdict.APPROVED:
        raise Refused(f"no receipt for {order.stage}: {because}")
    return f"{opened.number} ({opened.sys_id})"


def _another(change: ChangeSeen, order: c.StageOrder, opened: c.StageChange) -> str:
    """Why *change* is not about this evidence: an editor could lend its approval to something else."""
    if change.sys_id != opened.sys_id:
        return f"{change.number} has the correlation of {opened.number}, which was opened for {order.evidence}"
    if order.evidence not in change.description:
        return f"{change.number} does not name {order.evidence} any more: it was approved for something else"
    return ""
