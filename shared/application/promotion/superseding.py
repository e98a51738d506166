"""A later version's promotion replaces one of the same model that waits, where the stage says `newer: replace`.

What is replaced is told at once, by record, audit log and announcement, and goes no further: it can be promoted again.
"""

from collections.abc import Iterable, Iterator

from shared import contracts as c
from shared.application.promotion.standing import asking
from shared.application.promotion.stored_plans import unverified_opening
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Ladder, Newer
from shared.domain.promotion.models import is_later
from shared.ports import Announcer, AuditLog, Ledger
from shared.records import paths
from shared.records.promotion import Replacement, find_promotion, replacement_of
from shared.records.statements import Statements
from shared.records.store import RecordStore


def superseded_by(store: RecordStore, promotion: str) -> str:
    """Why *promotion* was replaced, as a sentence; empty where it was not."""
    replacement = replacement_of(store, promotion)
    return "" if replacement is None else replacement.because


def refuse_superseded(store: RecordStore, promotion: str) -> None:
    """Raises Refused where *promotion* was replaced while it waited for its turn."""
    if because := superseded_by(store, promotion):
        raise Refused(because)


def replaceable(
    statements: Statements, ledger: Ledger, ladder: Ladder, lock: c.EndpointLock, others: Iterable[str]
) -> Iterator[tuple[c.Promotion, c.Promotion]]:
    """The promotion of the lock's owner, with each of *others* before it that it may replace, as a later version."""
    request = _request(statements.store, lock.owner)
    if request is None or _policy(ladder, request) is not Newer.REPLACE:
        return
    for name in others:
        other = _request(statements.store, name)
        if other and _may_replace(request, other) and _waits(statements, ledger, lock, other):
            yield request, other


def supersede(
    store: RecordStore, audit: AuditLog, announcer: Announcer, request: c.Promotion, other: c.Promotion
) -> None:
    """Let *request* replace *other*. It is announced before it is recorded: a kill in between repeats both, by the
    same keys.
    """
    if replacement_of(store, other.id) is not None:
        return
    because = (
        f"superseded by {request.id} ({request.model}), since ladder.{request.target}.newer is replace; "
        f"promote {other.model} again if that goes no further"
    )
    facts = {"promotion": other.id, "target": other.target, "by": request.id, "because": because}
    key = f"{other.id}/superseded"
    audit.append(key, "superseded", str(other.model), "signalbox", facts)
    announcer.announce(key, "Signalbox.Promotion.Superseded", f"promotions/{other.id}", facts)
    store.create(paths.superseded(other.id), Replacement(by=request.id, because=because))


def _may_replace(request: c.Promotion, other: c.Promotion) -> bool:
    same = (request.model.name, request.target) == (other.model.name, other.target)
    return same and is_later(request.model, other.model)


def _waits(statements: Statements, ledger: Ledger, lock: c.EndpointLock, other: c.Promotion) -> bool:
    """For people, or in the queue of the lock; what is at work is left to end by itself."""
    opening = unverified_opening(ledger, other.id)
    if opening is None or opening.plan is None:
        return False
    in_queue = statements.store.exists(paths.queued(lock.endpoint, other.id))
    return in_queue or asking(statements, ledger, other, opening.plan) is not None


def _policy(ladder: Ladder, request: c.Promotion) -> Newer:
    return next((stage.newer for stage in ladder.stages if stage.name == request.target), Newer.QUEUE)


def _request(store: RecordStore, promotion: str) -> c.Promotion | None:
    record = find_promotion(store, promotion)
    return None if record is None else record.promotion
