"""People's decisions on promotions: whether one is taken, and its record. HTTP, a queue and Azure DevOps come here.

There is one record for each role and evidence, and an entry of the audit log. What is written here is judged later, by
activities, from the records alone; the event that wakes the promotion says nothing.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared import contracts as c
from shared.application.promotion.standing import (
    askers_of,
    decided,
    glass_stage,
    has_receipt,
    pack_of,
    question,
    question_now,
)
from shared.application.promotion.stored_plans import signed_plan, unverified_opening
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import (
    Approval,
    ApprovalPolicy,
    Person,
    refuse_approval,
    refuse_old_sign_in,
)
from shared.domain.promotion.people import same_person
from shared.domain.promotion.plans import Phase
from shared.domain.trust.statements import PredicateKind, Statement
from shared.durable.starting import Client, wake
from shared.ports import AuditLog, Ledger
from shared.records import paths
from shared.records.lists.rows import PROMOTIONS, note_change
from shared.records.predicates import DecisionSource, DecisionUsePredicate, WithdrawalPredicate
from shared.records.promotion import (
    USED,
    SignedDecision,
    decision_statement,
    decisions,
    delegation_at,
    find_promotion,
    signed_decision,
)
from shared.records.statements import ForgedError, Statements
from shared.records.store import LostRace, RecordStore


class Objection(StrEnum):
    """Why a decision is not taken, for callers that must tell the cases apart."""

    UNKNOWN_PROMOTION = "no such promotion"
    UNKNOWN_DECISION = "no such decision"
    NOT_ACCEPTED = "not accepted"
    OLD_SIGN_IN = "sign in again"
    ENDED = "ended"
    NOTHING_TO_DECIDE = "nothing to decide"
    NOTHING_TO_OVERRIDE = "nothing to override"
    ALREADY_DECIDED = "already decided"
    DELEGATED = "delegated"
    TOO_LATE = "too late"
    CHANGED = "changed meanwhile"
    FORGED = "forged record"


class DecisionRefused(Refused):
    """A decision that is not taken; the message says why, and what to do."""

    def __init__(self, objection: Objection, message: str) -> None:
        super().__init__(message)
        self.objection = objection


@dataclass(frozen=True, slots=True)
class DecisionRecords:
    """Where promotions, what people were shown, and their decisions are recorded."""

    statements: Statements
    ledger: Ledger
    audit: AuditLog

    @property
    def store(self) -> RecordStore:
        """All records, those that nobody signs too."""
        return self.statements.store


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """What *person* decides as *role*, having looked at *evidence*, a digest."""

    person: Person
    role: str
    approved: bool
    evidence: str
    reason: str
    at: datetime

    def approval(self) -> Approval:
        """The record of it."""
        person = self.person
        return Approval(
            role=self.role,
            oid=person.oid,
            name=person.name,
            approved=self.approved,
            reason=self.reason,
            evidence=self.evidence,
            at=self.at,
            tenant=person.tenant,
            mails=person.mails,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionChoice:
    """Which of a person's decisions are meant: those as *role*, on *stage* or any, and to break *phase*'s glass or any.

    Where several are not used yet, the newest of them. *at* is the time of the withdrawal.
    """

    person: Person
    role: str
    at: datetime
    stage: str = ""
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDecision:
    """A decision as it is stored, and the stage and phase that would use it."""

    stage: str
    phase: Phase
    folder: str
    decision: SignedDecision

    @property
    def approval(self) -> Approval:
        return self.decision.approval


async def decide(client: Client, records: DecisionRecords, promotion: str, ballot: Ballot) -> tuple[str, str]:
    """Record a decision on what *promotion* asks people now, and wake it: the stage, and `approved` or `rejected`.

    Raises DecisionRefused.
    """
    # Recorded, then woken. A wake that is lost costs time until the next look; a wake before the record would find
    # nothing.
    stage, kind = await asyncio.to_thread(_decide, records, promotion, ballot)
    await wake(client, promotion, c.DECISION_GIVEN)
    return stage, kind


async def agree_to_break_glass(
    client: Client,
    records: DecisionRecords,
    policy: ApprovalPolicy,
    promotion: str,
    stage: str,
    phase: Phase,
    ballot: Ballot,
) -> tuple[str, str]:
    """Record one person's part of an override of the failing gates of a phase; as `decide`."""
    place, kind = await asyncio.to_thread(_agree, records, policy, promotion, stage, phase, ballot)
    await wake(client, promotion, c.DECISION_GIVEN)
    return place, kind


async def withdraw(client: Client, records: DecisionRecords, promotion: str, choice: DecisionChoice) -> str:
    """Take back a decision, as long as nothing was moved on its strength: the stage. Raises DecisionRefused."""
    stage = await asyncio.to_thread(mark_withdrawn, records, promotion, choice)
    await wake(client, promotion, c.DECISION_GIVEN)
    return stage


def _decide(records: DecisionRecords, promotion: str, ballot: Ballot) -> tuple[str, str]:
    request, opening = under_way(records, promotion)
    order = question_now(records.statements, records.ledger, request, opening)
    if order is None:
        message = f"{promotion} waits for nobody now; see `explain {promotion}`"
        raise DecisionRefused(Objection.NOTHING_TO_DECIDE, message)
    delegation = delegation_at(records.statements, promotion, order.stage, ballot.role, order.evidence)
    if delegation is not None and same_person(delegation.by, ballot.person):
        message = f"{ballot.person.name} has left this to {delegation.to}; take that back before you decide"
        raise DecisionRefused(Objection.DELEGATED, message)
    return order.stage, _accept(records, order, order.at.stage.approvals, order.stage, ballot)


def _agree(
    records: DecisionRecords, policy: ApprovalPolicy, promotion: str, stage: str, phase: Phase, ballot: Ballot
) -> tuple[str, str]:
    request, opening = under_way(records, promotion)
    pack = pack_of(records.ledger, promotion, stage, phase)
    if pack is None or opening.plan is None or not request.break_glass:
        message = f"{promotion} waits for no override at {stage} ({phase.value})"
        raise DecisionRefused(Objection.NOTHING_TO_OVERRIDE, message)
    glass, order = glass_stage(stage, phase), question(request, opening.plan, opening.plan_digest, stage, pack.digest)
    return glass, _accept(records, order, policy, glass, ballot)


def _accept(records: DecisionRecords, order: c.StageOrder, policy: ApprovalPolicy, folder: str, ballot: Ballot) -> str:
    """Record the *ballot* in *folder*, where *policy* lets its person decide on what the *order* asks."""
    approvals = decided(records.statements, order.promotion.id, folder)
    askers = askers_of(records.store, order.promotion, order.plan.digest)
    reason = refuse_approval(policy, ballot.role, ballot.person, askers, ballot.evidence, order.evidence, approvals)
    if reason:
        raise DecisionRefused(Objection.NOT_ACCEPTED, reason)
    if reason := refuse_old_sign_in(policy, ballot.person, ballot.at):
        raise DecisionRefused(Objection.OLD_SIGN_IN, reason)
    try:
        return record_decision(records.statements, records.audit, order.promotion, folder, ballot.approval())
    except ForgedError as forgery:
        message = f"{forgery}; it stands in the way of this decision: an operator must look at it and remove it"
        raise DecisionRefused(Objection.FORGED, message) from forgery
    except Refused as refusal:
        raise DecisionRefused(Objection.ALREADY_DECIDED, str(refusal)) from refusal


def mark_withdrawn(records: DecisionRecords, promotion: str, choice: DecisionChoice) -> str:
    """As `withdraw`, without waking the promotion."""
    request, opening, fate = _promotion(records, promotion)
    every_decision = list(_own(records.statements, promotion, opening, choice))
    # A process that died between a withdrawal and its entry of the log is made up for by the next withdrawal.
    log_withdrawals(records.audit, request, (own.decision for own in every_decision))
    own_decisions = [own for own in every_decision if not own.approval.withdrawn]
    if not own_decisions:
        message = f"{choice.person.name} has not decided as {choice.role} here"
        raise DecisionRefused(Objection.UNKNOWN_DECISION, message)
    unused = [own for own in own_decisions if not _is_used(records, promotion, own)]
    if not unused:
        message = f"the decision on {own_decisions[-1].stage} has been used; ask for a roll-back"
        raise DecisionRefused(Objection.TOO_LATE, message)
    _refuse_ended(promotion, fate)
    newest = max(unused, key=lambda own: own.approval.at)
    try:
        withdrawn = replace(newest.approval, withdrawn=True)
        statement = decision_statement(promotion, newest.folder, withdrawn, choice.at)
        records.statements.replace(newest.decision.stored, statement)
    except LostRace as lost:
        message = "the decision was changed by somebody else; look again"
        raise DecisionRefused(Objection.CHANGED, message) from lost
    # A statement of its own, since the mark alone could be undone: the decision as it was before is signed by a door
    # too.
    _sign_withdrawal(records.statements, promotion, newest, choice.at)
    # The caller is answered once the log has it: until then they have to take it that nothing was withdrawn.
    log_withdrawals(records.audit, request, [replace(newest.decision, approval=withdrawn)])
    note_change(records.store.hub, records.store.container, PROMOTIONS, promotion)
    return newest.stage


def _sign_withdrawal(statements: Statements, promotion: str, own: OwnDecision, at: datetime) -> None:
    """Say with the door key that the decision was taken back: a statement of its own, which is never written over."""
    path, approval = own.decision.stored.blob.path, own.approval
    predicate = WithdrawalPredicate(
        promotion=promotion,
        stage=own.folder,
        decision=path,
        role=approval.role,
        oid=approval.oid,
        tenant=approval.tenant,
        name=approval.name,
        evidence=approval.evidence,
        decided=approval.at,
    )
    name = identity.digest(path, approval.oid, approval.at.isoformat(), length=40)
    subjects = {f"evidence of {promotion}": approval.evidence}
    statement = Statement(kind=PredicateKind.WITHDRAWAL, subjects=subjects, at=at, predicate=encode(predicate))
    statements.create(paths.withdrawal(promotion, own.folder, name), statement)


def log_withdrawals(audit: AuditLog, request: c.Promotion, records: Iterable[SignedDecision]) -> None:
    """Write every withdrawal among *records* to the audit log, each once.

    As for decisions, the record comes first and the log second. Those who look at decisions repeat the second step,
    so that no crash leaves a withdrawal that could be taken back unnoticed.
    """
    for record in records:
        if record.approval.withdrawn:
            key = f"{record.stored.blob.path}/withdrawn/{record.approval.at.isoformat()}"
            tell_decision(audit, request, key, "withdrawn", record.approval)


def _own(
    statements: Statements, promotion: str, opening: c.PromotionOpened, choice: DecisionChoice
) -> Iterator[OwnDecision]:
    """The decisions that are meant, those that are withdrawn too."""
    for at in opening.plan.stages if opening.plan else ():
        stage = at.stage.name
        places = [(phase, glass_stage(stage, phase)) for phase in Phase if choice.phase in (phase, None)]
        places += [(Phase.ENTRY, stage)] if choice.phase is None else []
        for phase, folder in places if choice.stage in (stage, "") else ():
            for decision in decisions(statements, promotion, folder):
                approval = decision.approval
                if (approval.oid, approval.role) == (choice.person.oid, choice.role):
                    yield OwnDecision(stage=stage, phase=phase, folder=folder, decision=decision)


def _is_used(records: DecisionRecords, promotion: str, own: OwnDecision) -> bool:
    """Whether something may have been moved on the strength of the decision, as the deciding key says."""
    try:
        if records.statements.read(_use_path(promotion, own.decision), PredicateKind.DECISION_USE) is not None:
            return True
    except ForgedError:
        pass  # A planted file keeps nobody from withdrawing; it is told of where decisions are used.
    return has_receipt(records.statements, records.ledger, promotion, own.stage, own.phase)


def _use_path(promotion: str, decision: SignedDecision) -> str:
    """One for each decision: a later one may lie at the same path, in the place of one that was withdrawn."""
    path, approval = decision.stored.blob.path, decision.approval
    return paths.decision_use(promotion, identity.digest(path, approval.oid, approval.at.isoformat(), length=40))


def under_way(records: DecisionRecords, promotion: str) -> tuple[c.Promotion, c.PromotionOpened]:
    """What was asked for, and its opening with the signed plan. Raises DecisionRefused where it has ended."""
    request, opening, fate = _promotion(records, promotion)
    _refuse_ended(promotion, fate)
    return request, opening


def _refuse_ended(promotion: str, fate: c.Fate | None) -> None:
    if fate is not None:
        message = f"{promotion} has ended as {fate.value}: nothing is decided on it any more"
        raise DecisionRefused(Objection.ENDED, message)


def _promotion(records: DecisionRecords, promotion: str) -> tuple[c.Promotion, c.PromotionOpened, c.Fate | None]:
    """The promotion as it was requested, its opening with the plan, and its fate, None while it is under way."""
    record = find_promotion(records.store, promotion)
    opening = unverified_opening(records.ledger, promotion)
    if record is None or opening is None or opening.plan is None:
        message = f"promotion {promotion!r} is not known, or has no plan yet"
        raise DecisionRefused(Objection.UNKNOWN_PROMOTION, message)
    try:
        # The roles and their holders come from the plan: one that nobody signed could name anybody.
        plan = signed_plan(records.statements, records.ledger, promotion, opening.plan_digest)
    except Refused as refusal:
        raise DecisionRefused(Objection.FORGED, str(refusal)) from refusal
    return record.promotion, replace(opening, plan=plan), record.fate


def record_decision(
    statements: Statements,
    audit: AuditLog,
    request: c.Promotion,
    stage: str,
    approval: Approval,
    source: DecisionSource | None = None,
) -> str:
    """`approved` or `rejected`; the first decision stands. Refused where somebody else has decided otherwise.

    *source* is where the decision was read that was made in another system.
    """
    folder = paths.decisions(request.id, stage)
    # One blob for each role and evidence, created conditionally: of two people who decide in one role at the same
    # moment one is first, without a lock. New evidence asks anew under another name.
    name = f"{approval.role}-{approval.evidence.removeprefix('sha256:')[:16]}"
    path = f"{folder}{name}.json"
    statement = decision_statement(request.id, stage, approval, approval.at, source)
    while not statements.create(path, statement):
        decision = signed_decision(statements, path)
        if decision is None:
            continue
        first = decision.approval
        if not first.withdrawn:
            approval = _standing(first, approval)
            break
        earlier = f"{folder}{name}-{identity.digest(first.oid, first.at.isoformat())}.json"
        # Signed now, by today's key: it was decided earlier, and is only kept beside the newer one.
        statements.create(earlier, decision_statement(request.id, stage, first, approval.at))
        try:
            statements.replace(decision.stored, statement)
        except LostRace:
            continue  # Somebody else has decided in the place of the one that was taken back.
        break
    kind = "approved" if approval.approved else "rejected"
    tell_decision(audit, request, f"{path}/{kind}/{approval.at.isoformat()}", kind, approval)
    note_change(statements.store.hub, statements.store.container, PROMOTIONS, request.id)
    return kind


def _standing(first: Approval, approval: Approval) -> Approval:
    """The *first* decision, where *approval* says the same again."""
    if (first.oid, first.approved) != (approval.oid, approval.approved):
        kind = "approved" if first.approved else "rejected"
        raise Refused(f"{first.name} has {kind} as {first.role}; they can withdraw it")
    return first


def use_decisions(
    statements: Statements, order: c.StageOrder, stage: str, at: datetime, forgeries: list[ForgedError]
) -> list[SignedDecision]:
    """The decisions on *stage*, of which none can be withdrawn from now on; as `decisions` of the records.

    Raises LostRace where one was withdrawn at this very moment.
    """
    used_decisions = list(decisions(statements, order.promotion.id, stage, forgeries))
    for decision in used_decisions:
        if decision.approval.withdrawn:
            continue
        path = _use_path(order.promotion.id, decision)
        is_new = statements.create(path, _use_statement(order, stage, decision, at))
        statements.read(path, PredicateKind.DECISION_USE)
        # The statement says that it is used. A withdrawal that did not see the statement finds the blob changed.
        blob = decision.stored.blob
        if (is_new or USED not in blob.metadata) and not statements.store.set_metadata(blob, {USED: "true"}):
            raise LostRace(f"{blob.path} was changed while it was used")
    return used_decisions


def _use_statement(order: c.StageOrder, stage: str, decision: SignedDecision, at: datetime) -> Statement:
    approval = decision.approval
    predicate = DecisionUsePredicate(
        promotion=order.promotion.id,
        stage=stage,
        decision=decision.stored.blob.path,
        role=approval.role,
        oid=approval.oid,
        decided=approval.at,
    )
    subjects = {f"evidence of {order.promotion.id}": approval.evidence}
    return Statement(kind=PredicateKind.DECISION_USE, subjects=subjects, at=at, predicate=encode(predicate))


def tell_decision(audit: AuditLog, request: c.Promotion, key: str, kind: str, approval: Approval) -> None:
    """Write the decision to the audit log, once for each *key*."""
    facts = {"promotion": request.id, **encode(approval)}
    audit.append(key, f"decision {kind}", str(request.model), approval.name, facts)
