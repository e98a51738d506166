"""Verify the audit log a part at a time, and tell of each finding once: announced, logged, and in a statement."""

from contextlib import suppress

from activities.effects import stamp
from activities.trust.revocations import believed
from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.audit import canonical_digest
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.operations import note_log_findings
from shared.records.predicates import LogFindingPredicate

# Entries of one part: a few reads each, so that a part takes seconds.
_MOST = 500


def look_at_log(clients: Clients, order: c.LogLookOrder) -> c.LogPart:
    """Verify the next part. How far the log is verified is noted last, so that a crash loses no finding."""
    look = clients.audit.look(_MOST, order.reread)
    for problem in look.problems:
        _tell(clients, problem)
    is_round = order.reread and look.mark is not None and look.mark.reread == 0
    note_log_findings(clients.store, look.problems, stamp(clients), is_reread=order.reread, is_round=is_round)
    clients.audit.note_look(look)
    return c.LogPart(is_done=look.is_done, problems=look.problems)


def _tell(clients: Clients, finding: str) -> None:
    """Once for each finding: a signed statement says that it was told of, and nobody can plant one to keep it quiet."""
    folder = paths.log_findings(identity.digest(finding, length=32))
    files = list(clients.statements.list(folder))
    if any(believed(clients.statements, path, PredicateKind.LOG_FINDING) for path in files):
        return
    key, facts = folder.rstrip("/"), {"finding": finding}
    clients.announcer.announce(key, "Signalbox.AuditLog.Broken", "audit", facts)
    with suppress(Refused):  # A log that is forked or cut takes no entry: the statement stands beside it.
        clients.audit.append(key, "audit log broken", "audit", "signalbox", facts, about=None)
    statement = Statement(
        kind=PredicateKind.LOG_FINDING,
        subjects={"audit log": canonical_digest(finding)},
        at=clients.clock.now(),
        predicate=encode(LogFindingPredicate(finding=finding)),
    )
    # Under the next free number: the files before it were planted or signed with a key revoked since. They stay for the
    # record and must not take the statement's place.
    clients.statements.create(paths.log_finding(folder, len(files)), statement)
