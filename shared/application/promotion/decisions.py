"""Write down what somebody decided on a stage: one record for each role and evidence, and an entry of the audit log.

Doors of every kind come this way, after `refuse_approval` had nothing against it.
"""

import json
from dataclasses import replace
from typing import Protocol

from shared import contracts as c
from shared.application.promotion import standing
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.approvals import Approval
from shared.ports import AuditLog
from shared.records import paths as records


class Records(standing.Records, Protocol):
    """Where decisions are kept, and told."""

    @property
    def audit(self) -> AuditLog: ...


def record_decision(made: Records, request: c.Promotion, stage: str, approval: Approval) -> str:
    """`approved` or `rejected`; the first decision stands. Refused where somebody else has decided otherwise."""
    folder, state = records.decisions(request.id, stage), made.configuration.hub.state
    name = f"{approval.role}-{approval.evidence.removeprefix('sha256:')[:16]}"
    path = f"{folder}{name}.json"
    while not made.hub.create(state, path, json.dumps(encode(approval)).encode()):
        seen = made.hub.find(state, path)
        there = decode(Approval, json.loads(made.hub.read(state, path) or b"{}"))
        if not there.withdrawn:
            approval = _standing(there, approval)
            break
        aside = f"{folder}{name}-{identity.digest(there.oid, there.at.isoformat())}.json"
        made.hub.create(state, aside, json.dumps(encode(there)).encode())
        if seen is not None and made.hub.replace(state, path, json.dumps(encode(approval)).encode(), seen.etag):
            break
    kind = "approved" if approval.approved else "rejected"
    tell_decision(made, request, f"{path}/{kind}/{approval.at.isoformat()}", kind, approval)
    return kind


def _standing(there: Approval, approval: Approval) -> Approval:
    """The decision that is *there*, where *approval* says the same again."""
    if (there.oid, there.approved) != (approval.oid, approval.approved):
        said = "approved" if there.approved else "rejected"
        raise Refused(f"{there.name} has {said} as {there.role}; they can withdraw it")
    return there


def use_decisions(made: Records, promotion: str, stage: str) -> None:
    """From now on no decision on *stage* can be withdrawn. Raises Transient where one was, at this very moment."""
    for record, found in standing.decisions(made, promotion, stage):
        if not found.withdrawn and not found.used:
            used = json.dumps(encode(replace(found, used=True))).encode()
            if not made.hub.replace(record.container, record.path, used, record.etag):
                raise Transient(f"the decision of {found.name} on {stage} changed while it was used")


def tell_decision(made: Records, request: c.Promotion, key: str, kind: str, approval: Approval) -> None:
    facts = {"promotion": request.id, **encode(approval)}
    made.audit.append(key, f"decision {kind}", str(request.model), approval.name, facts)
