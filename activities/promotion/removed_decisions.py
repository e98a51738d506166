"""Decisions that the audit log knows and the records do not say any more: somebody has removed or altered them."""

from collections.abc import Iterable

from shared import contracts as c
from shared.codec import decode
from shared.domain.promotion.approvals import Approval
from shared.domain.promotion.audit import Entry
from shared.records import paths
from shared.records.promotion import SignedDecision
from shared.records.statements import ForgedError


def refuse_removed_decisions(
    records: Iterable[SignedDecision], logged: Iterable[Entry], order: c.StageOrder, stage: str
) -> None:
    """Raise ForgedError where the audit log knows a decision on *stage* that its *records* do not say any more.

    A rejection that was deleted, and a withdrawn approval that was put back, leave records that a door has signed; only
    the log tells them from the truth. *logged* are its entries since the promotion was planned, read from the log
    itself: from its index of models an entry can be removed.
    """
    folder = paths.decisions(order.promotion.id, stage)
    recorded = {_identity(decision.approval): decision for decision in records}
    for entry in logged:
        if not entry.key.startswith(folder) or not entry.kind.startswith("decision "):
            continue
        decided_then = decode(Approval, entry.facts)
        decision = recorded.get(_identity(decided_then))
        if decision is None:
            reason = f"{decided_then.name}'s decision as {decided_then.role} was removed; the audit log has it"
            raise ForgedError(folder, reason)
        if entry.kind == "decision withdrawn" and not decision.approval.withdrawn:
            path = decision.stored.blob.path
            raise ForgedError(path, f"{decided_then.name} has withdrawn it at {entry.at}; the audit log says so")


def _identity(approval: Approval) -> tuple[str, str, str, str, bool]:
    """What makes one decision: the same person may decide again on newer evidence, or after a withdrawal."""
    return approval.role, approval.oid, approval.evidence, approval.at.isoformat(), approval.approved
