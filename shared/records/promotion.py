"""Records of promotions: what was asked for and how it ended, decisions, turns, replacements, and what was measured.

Decisions are `Approval` in signed statements, origins are `Askers`, plans are `Plan`: the domain's own values are kept.
Receipts and evidence packs' digests are entries of the ledger.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from shared.codec import UndecodableError, decode, encode
from shared.contracts import Fate, Promotion, PromotionSet, StageOrder
from shared.domain.promotion.approvals import Approval
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.delegations import Delegation
from shared.domain.promotion.people import Askers
from shared.domain.trust.envelopes import Envelope
from shared.domain.trust.statements import PredicateKind, Statement
from shared.ports import AuditLog
from shared.records import paths
from shared.records.predicates import DecisionPredicate, DecisionSource, PromotionSetPredicate, StageEvidence
from shared.records.statements import ForgedError, Statements, signed_records
from shared.records.store import LATER, RecordStore, Stored, plain_record

USED = "used"  # The metadata of a decision that a receipt rests on.
FATES = frozenset(fate.value for fate in Fate)  # The kinds of the audit log's entries on closed promotions.
ASKED_FOR = "asked for"  # The kind of an entry of the audit log that says who asked for what has made a bundle.


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """What was asked for, and how it ended; *fate* and what follows it are None while it is open."""

    opened: str
    execution: str
    promotion: Promotion
    closed: str | None = field(default=None, metadata=LATER)
    fate: Fate | None = field(default=None, metadata=LATER)
    because: tuple[str, ...] | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """*owner* is the promotion that holds a lock of a model or an endpoint."""

    owner: str
    model: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class QueuedPromotion:
    """A promotion in a queue, since when (ISO 8601)."""

    since: str
    promotion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """The later version's promotion that replaced one which waited, and why."""

    by: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutLook:
    """The look number *number* at a version of a hold-out: the *challenger*'s, by its bundle's digest."""

    number: int
    challenger: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedVersion:
    """The version of a hold-out (its digest) with which the looks at another one are counted, and that one's *keys*."""

    counted_with: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionEnd:
    """All that a queue asks of a promotion's record: locks are looked at often, and plans are long."""

    fate: Fate | None = None


def find_promotion(store: RecordStore, promotion: str) -> PromotionRecord | None:
    return store.get(PromotionRecord, paths.promotion(promotion))


def fate_of(store: RecordStore, promotion: str) -> Fate | None:
    """How it ended; None while it is open, and where it was never opened."""
    end = store.get(PromotionEnd, paths.promotion(promotion))
    return None if end is None else end.fate


def is_open(store: RecordStore, promotion: str) -> bool:
    """Whether it was opened and has not ended."""
    end = store.get(PromotionEnd, paths.promotion(promotion))
    return end is not None and end.fate is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDecision:
    """A person's decision, and the statement of the door that verified them, as it is stored."""

    approval: Approval
    stored: Stored[Envelope]


def decisions(
    statements: Statements, promotion: str, stage: str, forgeries: list[ForgedError] | None = None
) -> Iterator[SignedDecision]:
    """Every decision on *stage* that a door has signed, those that were taken back too.

    A file that no door has signed is no decision; it is added to *forgeries*.
    """
    files = statements.list(paths.decisions(promotion, stage))
    return (decision for _, decision in signed_records(files, partial(signed_decision, statements), forgeries))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDelegation:
    """A delegation, and the statement of the door that verified who made it, as it is stored."""

    delegation: Delegation
    stored: Stored[Envelope]


def delegations(
    statements: Statements, promotion: str, stage: str, forgeries: list[ForgedError] | None = None
) -> Iterator[Delegation]:
    """Every delegation on *stage* that a door has signed, those that were taken back too; as `decisions`."""
    files = statements.list(paths.delegations(promotion, stage))
    signed = signed_records(files, partial(signed_delegation, statements), forgeries)
    return (record.delegation for _, record in signed)


def delegation_at(statements: Statements, promotion: str, stage: str, role: str, evidence: str) -> Delegation | None:
    """To whom the question of *role* about *evidence* is left now, None where to nobody; a planted file is none."""
    try:
        record = signed_delegation(statements, delegation_path(promotion, stage, role, evidence))
    except ForgedError:
        return None
    return None if record is None or record.delegation.withdrawn else record.delegation


def signed_delegation(statements: Statements, path: str) -> SignedDelegation | None:
    """The delegation at *path*, None where there is none. Raises ForgedError."""
    statement = statements.find_envelope(path)
    if statement is None:
        return None
    delegation = statements.record_of(statement, PredicateKind.DELEGATION, Delegation, "delegation")
    return SignedDelegation(delegation=delegation, stored=statement)


def delegation_path(promotion: str, stage: str, role: str, evidence: str) -> str:
    """One for each role and evidence: one delegation stands, and new evidence asks anew."""
    return f"{paths.delegations(promotion, stage)}{role}-{evidence.removeprefix('sha256:')[:16]}.json"


def signed_decision(statements: Statements, path: str) -> SignedDecision | None:
    """The decision at *path*, None where there is none. Raises ForgedError."""
    statement = statements.find_envelope(path)
    if statement is None:
        return None
    approval = statements.record_of(statement, PredicateKind.DECISION, Approval, "decision")
    # Whether a receipt rests on it is the app's own mark beside the statement, which stays as the door signed it.
    return SignedDecision(approval=replace(approval, used=USED in statement.blob.metadata), stored=statement)


def decision_statement(
    promotion: str, stage: str, approval: Approval, at: datetime, source: DecisionSource | None = None
) -> Statement:
    """What a door signs of a decision, at *at*; it is about the evidence that the person was shown.

    *source* is where the decision was read that was made in another system.
    """
    decision = replace(approval, used=False)
    predicate = DecisionPredicate(promotion=promotion, stage=stage, decision=decision, source=source)
    return Statement(
        kind=PredicateKind.DECISION,
        subjects={f"evidence of {promotion}": approval.evidence},
        at=at,
        predicate=plain_record(predicate),
    )


def stage_evidence_at(statements: Statements, path: str) -> StageEvidence | None:
    """The evidence whose readable copy is at *path*, as the measuring key has signed it. Raises ForgedError."""
    record = measured_at(statements, path)
    try:
        return None if record is None else decode(StageEvidence, record)
    except UndecodableError as error:
        raise ForgedError(paths.statement_of(path), f"it is signed, and is no evidence ({error!r})") from error


def measured_at(statements: Statements, path: str, order: StageOrder | None = None) -> dict[str, Any] | None:
    """As `stage_evidence_at`, in the JSON that was signed: people are shown it to the letter.

    With an *order*, evidence of another promotion or plan is refused: a path may come from an unsigned record.
    """
    statement = paths.statement_of(path)
    predicate = statements.read(statement, PredicateKind.EVIDENCE)
    if predicate is None:
        return None
    if order is not None:
        _require(statement, predicate, promotion=order.promotion.id, plan=order.plan_digest)
    return dict(predicate["record"])


def _require(statement: str, predicate: Mapping[str, Any], **claims: str) -> None:
    for name, value in claims.items():
        if predicate.get(name) != value:
            raise ForgedError(statement, f"it is for {name} {predicate.get(name)}, not for {value}")


def sign_evidence(statements: Statements, path: str, order: StageOrder, evidence: StageEvidence, at: datetime) -> None:
    """Say with the measuring key what was measured for *order*. Safe to repeat: the first measurement stands."""
    record = encode(evidence)
    _sign_measured(statements, PredicateKind.EVIDENCE, path, order, at, canonical_digest(record), {"record": record})


def evidence_pack_at(statements: Statements, path: str, order: StageOrder) -> Any:
    """The pack of *order* whose readable copy is at *path*, as the measuring key has signed it. Raises ForgedError."""
    statement = paths.statement_of(path)
    predicate = statements.read(statement, PredicateKind.EVIDENCE_PACK)
    if predicate is None:
        return None
    bound = {"stage": order.stage, "phase": order.phase.value, "plan": order.plan_digest}
    _require(statement, predicate, promotion=order.promotion.id, bundle=order.plan.digest, **bound)
    return predicate["pack"]


def sign_pack(statements: Statements, path: str, order: StageOrder, pack: Mapping[str, Any], at: datetime) -> None:
    """Say with the measuring key what people are shown for *order*. Safe to repeat: the first pack stands."""
    digest = canonical_digest(pack)
    content = {"digest": digest, "pack": pack}
    _sign_measured(statements, PredicateKind.EVIDENCE_PACK, path, order, at, digest, content)


def _sign_measured(
    statements: Statements,
    kind: PredicateKind,
    path: str,
    order: StageOrder,
    at: datetime,
    digest: str,
    content: Mapping[str, Any],
) -> None:
    """Sign *content*, which has the *digest* and belongs to *order*; its readable copy is to lie at *path*."""
    model = str(order.plan.model)
    predicate = {
        "promotion": order.promotion.id,
        "stage": order.stage,
        "phase": order.phase.value,
        "model": model,
        "bundle": order.plan.digest,
        "plan": order.plan_digest,
        **content,
    }
    subjects = {model: order.plan.digest, path: digest}
    statements.create(paths.statement_of(path), Statement(kind=kind, subjects=subjects, at=at, predicate=predicate))


def record_origin(store: RecordStore, audit: AuditLog, subject: str, digest: str, name: str, askers: Askers) -> None:
    """Remember who asked for what has made the bundle *digest* of the model *subject*: they may not approve it.

    The audit log has it too, so that no writer of the records can hide it. Safe to repeat.
    """
    path = paths.origin(digest, name)
    store.create(path, askers)
    audit.append(path, ASKED_FOR, subject, "signalbox", {"bundle": digest, "askers": encode(askers)})


def refuse_changed_origins(store: RecordStore, audit: AuditLog, model: str, digest: str) -> None:
    """Raise ForgedError where records do not say any more who asked for the bundle *digest*, as the audit log does.

    *model* is the name of the model. What is recorded and not in the log, as by an earlier release, only keeps more
    people from approving.
    """
    for entry in audit.about(model):
        if entry.kind == ASKED_FOR and entry.facts["bundle"] == digest and not _has(store, entry.key, entry.facts):
            reason = "it was removed or changed; the audit log has who asked for what has made the bundle"
            raise ForgedError(entry.key, reason)


def _has(store: RecordStore, path: str, facts: Mapping[str, Any]) -> bool:
    """Whether the origin at *path* is what *facts* of the audit log say."""
    try:
        return bool(store.document(path) == facts["askers"])
    except UndecodableError:
        return False


def origins_of(store: RecordStore, digest: str) -> list[Askers]:
    """Who asked for everything that has made the bundle *digest*."""
    return [entry.record for entry in store.list(Askers, paths.origins(digest))]


def replacement_of(store: RecordStore, promotion: str) -> Replacement | None:
    return store.get(Replacement, paths.superseded(promotion))


def sign_set(statements: Statements, together: PromotionSet, at: datetime) -> None:
    """Say with the deciding key which promotions climb together, and put the set on the list of open sets.

    From then on a sweep sees to it that all of the set arrives, or what has arrived is taken back. Safe to repeat: the
    first statement stands. Raises ForgedError where a file lies in its place that nobody signed.
    """
    statement = Statement(
        kind=PredicateKind.PROMOTION_SET,
        subjects={together.id: canonical_digest(encode(together))},
        at=at,
        predicate=encode(PromotionSetPredicate(set=together)),
    )
    statements.create(paths.set_statement(together.id), statement)
    signed_set(statements, together.id)
    statements.store.create(paths.open_set(together.id), together)


def signed_set(statements: Statements, name: str) -> tuple[PromotionSet, datetime]:
    """The set *name*, and when it was signed. Raises ForgedError where the deciding key says nothing of it."""
    path = paths.set_statement(name)
    predicate = statements.read(path, PredicateKind.PROMOTION_SET)
    if predicate is None:
        raise ForgedError(paths.open_set(name), f"no statement of the deciding key is in {path}")
    try:
        return decode(PromotionSet, predicate["set"]), datetime.fromisoformat(predicate["at"])
    except (KeyError, UndecodableError) as error:
        raise ForgedError(path, f"it is signed, and is no set of promotions ({error!r})") from error
