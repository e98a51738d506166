"""Where the steps of a team stand, believed as the audit log has it: a planted record opens nothing.

It stands alone: orders, drift and teardowns all ask it.
"""

from shared.domain.provisioning.orders import TeamOrder
from shared.domain.provisioning.rules import ProvisioningStep
from shared.ports import AuditLog
from shared.records.provisioning import find_standing
from shared.records.provisioning import paths as provisioning_paths
from shared.records.store import RecordStore


def stands(store: RecordStore, audit: AuditLog, team: str, step: ProvisioningStep) -> bool:
    """Whether *step* of *team* was verified and has not been torn down since."""
    standing = find_standing(store, team, step)
    if standing is None or not standing.ready:
        return False
    if audit.find(provisioning_paths.verified(team, step, standing.ready)) is None:
        return False
    return audit.find(provisioning_paths.gone(team, step, standing.ready)) is None


def refusal_of_step(store: RecordStore, audit: AuditLog, order: TeamOrder) -> str:
    """Why the step of *order* may not be made now; empty where it may."""
    first = ProvisioningStep.EXPERIMENTATION
    if order.step is first or stands(store, audit, order.team, first):
        return ""
    return f"{order.team} has no verified {first.value} yet, and gets nothing above it before; request that first"
