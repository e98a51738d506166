"""Write down what somebody decided on a stage: one record for each role and evidence, and an entry of the audit log.

Doors of every kind come this way, after `refuse_approval` had nothing against it.
"""

import json
from typing import Protocol

from shared import contracts as c
from shared.codec import decode, encode
from shared.domain import records
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval
from shared.ports import AuditLog, DataHub


class Records(Protocol):
    """Where decisions are kept."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def hub(self) -> DataHub: ...
    @property
    def audit(self) -> AuditLog: ...


def record_decision(made: Records, request: c.Promotion, stage: str, approval: Approval) -> str:
    """`approved` or `rejected`; the first decision stands. Refused where somebody else has decided otherwise."""
    name = f"{approval.role}-{approval.evidence.removeprefix('sha256:')[:16]}.json"
    path, state = f"{records.decisions(request.id, stage)}{name}", made.configuration.hub.state
    if not made.hub.create(state, path, json.dumps(encode(approval)).encode()):
        there = decode(Approval, json.loads(made.hub.read(state, path) or b"{}"))
        if not there.withdrawn and (there.oid, there.approved) != (approval.oid, approval.approved):
            said = "approved" if there.approved else "rejected"
            raise Refused(f"{there.name} has {said} as {there.role}; they can withdraw it")
        seen = made.hub.find(state, path)
        if there.withdrawn and seen is not None:
            made.hub.replace(state, path, json.dumps(encode(approval)).encode(), seen.etag)
    kind = "approved" if approval.approved else "rejected"
    tell_decision(made, request, f"{path}/{kind}/{approval.at.isoformat()}", kind, approval)
    return kind


def tell_decision(made: Records, request: c.Promotion, key: str, kind: str, approval: Approval) -> None:
    facts = {"promotion": request.id, **encode(approval)}
    made.audit.append(key, f"decision {kind}", str(request.model), approval.name, facts)
