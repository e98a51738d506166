"""Opens the audit log where the configuration says that it lies.

It stands alone since the composition root should not know how a log that has moved is read.
"""

from shared.adapters.audit_log.containers import ContinuedLog
from shared.adapters.audit_log.log import BlobAudit
from shared.adapters.audit_log.verified_marks import VerifiedMarks
from shared.domain.configuration import Configuration
from shared.ports import Clock, DataHub, Signing, TreeHeadPublisher


def open_audit_log(
    hub: DataHub,
    configuration: Configuration,
    clock: Clock,
    signing: Signing,
    publisher: TreeHeadPublisher | None,
) -> BlobAudit:
    """The log of the state container, or of a container of its own that continues it."""
    places = configuration.hub
    log = f"{places.account}/{places.state}"  # The log keeps its name where it gets a container of its own.
    blobs = ContinuedLog(hub, places.state) if places.audit else hub
    marks = VerifiedMarks(hub, places.state, signing, log)
    container, find_team = places.audit or places.state, configuration.team_of
    return BlobAudit(blobs, container, clock, signing, log, publisher, marks, find_team)
