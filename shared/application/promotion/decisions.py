"""Write down what somebody decided on a stage: one record for each role and evidence, and an entry of the audit log.

Doors of every kind come this way, after `refuse_approval` had nothing against it.
"""

from dataclasses import replace

from shared import contracts as c
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval
from shared.ports import AuditLog
from shared.records import paths
from shared.records.promotion import decisions
from shared.records.store import LostRace, RecordStore


def record_decision(store: RecordStore, audit: AuditLog, request: c.Promotion, stage: str, approval: Approval) -> str:
    """`approved` or `rejected`; the first decision stands. Refused where somebody else has decided otherwise."""
    folder = paths.decisions(request.id, stage)
    name = f"{approval.role}-{approval.evidence.removeprefix('sha256:')[:16]}"
    path = f"{folder}{name}.json"
    while not store.create(path, approval):
        stored = store.get_stored(Approval, path)
        if stored is None:
            continue
        first = stored.record
        if not first.withdrawn:
            approval = _standing(first, approval)
            break
        store.create(f"{folder}{name}-{identity.digest(first.oid, first.at.isoformat())}.json", first)
        try:
            store.update(stored, approval)
        except LostRace:
            continue  # Somebody else has decided in the place of the one that was taken back.
        break
    kind = "approved" if approval.approved else "rejected"
    tell_decision(audit, request, f"{path}/{kind}/{approval.at.isoformat()}", kind, approval)
    return kind


def _standing(first: Approval, approval: Approval) -> Approval:
    """The *first* decision, where *approval* says the same again."""
    if (first.oid, first.approved) != (approval.oid, approval.approved):
        kind = "approved" if first.approved else "rejected"
        raise Refused(f"{first.name} has {kind} as {first.role}; they can withdraw it")
    return first


def use_decisions(store: RecordStore, promotion: str, stage: str) -> None:
    """From now on no decision on *stage* can be withdrawn. Raises LostRace where one was, at this very moment."""
    for stored in decisions(store, promotion, stage):
        if not stored.record.withdrawn and not stored.record.used:
            store.update(stored, replace(stored.record, used=True))


def tell_decision(audit: AuditLog, request: c.Promotion, key: str, kind: str, approval: Approval) -> None:
    """Write the decision to the audit log, once for each *key*."""
    facts = {"promotion": request.id, **encode(approval)}
    audit.append(key, f"decision {kind}", str(request.model), approval.name, facts)
