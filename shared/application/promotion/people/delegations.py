"""Delegations: a question of a promotion that one person leaves to another; recorded and signed like decisions.

A record comes first, then the entry of the audit log, then the announcement. Who delegates again, or takes back again,
makes up for what a host that died has left undone: each of the three is done once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared import contracts as c
from shared.application.promotion.decisions import DecisionRecords, DecisionRefused, Objection, under_way
from shared.application.promotion.standing import asked_since, askers_of, decided, question_now
from shared.codec import encode
from shared.domain import identity
from shared.domain.promotion.approvals import Person, refuse_old_sign_in
from shared.domain.promotion.delegations import Delegation, refuse_delegation
from shared.domain.promotion.people import PersonId, same_person
from shared.domain.trust.statements import PredicateKind, Statement
from shared.ports import Announcer
from shared.records.lists.rows import PROMOTIONS, note_change
from shared.records.predicates import DelegationPredicate
from shared.records.promotion import SignedDelegation, delegation_path, signed_delegation
from shared.records.statements import ForgedError
from shared.records.store import LostRace, plain_record


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """*person* leaves what is asked of them as *role*, about the *evidence* that they were shown, to *to*."""

    person: Person
    role: str
    to: str
    evidence: str
    reason: str
    at: datetime

    def delegation(self) -> Delegation:
        person = self.person
        return Delegation(
            role=self.role,
            to=self.to,
            by=PersonId.of(person, person.name),
            reason=self.reason,
            evidence=self.evidence,
            at=self.at,
        )


def delegate(
    records: DecisionRecords,
    announcer: Announcer,
    permits: Callable[[c.StageOrder, Person], bool],
    promotion: str,
    hand_over: HandOver,
) -> Delegation:
    """Leave what *promotion* asks as a role to another person, and announce it. Raises DecisionRefused.

    *permits* says whether somebody may decide on what is asked.
    """
    order, delegation = _question(records, promotion), hand_over.delegation()
    policy = order.at.stage.approvals
    approvals = decided(records.statements, promotion, order.stage)
    askers = askers_of(records.store, order.promotion, order.plan.digest)
    can_decide = partial(permits, order)
    reason = refuse_delegation(policy, delegation, hand_over.person, askers, order.evidence, approvals, can_decide)
    if reason:
        raise DecisionRefused(Objection.NOT_ACCEPTED, reason)
    # It keeps its author from deciding, and tells another person: no more than a decision is that for a tab left open.
    if reason := refuse_old_sign_in(policy, hand_over.person, hand_over.at):
        raise DecisionRefused(Objection.OLD_SIGN_IN, reason)
    counting = (approval for approval in approvals if not approval.withdrawn and approval.evidence == order.evidence)
    earlier = next((approval for approval in counting if approval.role == delegation.role), None)
    if earlier is not None:
        raise DecisionRefused(Objection.ALREADY_DECIDED, f"{earlier.name} has decided as {earlier.role} already")
    standing = _recorded(records, order, delegation)
    _log(records, order, "delegated", standing)
    since = asked_since(records.ledger, order)
    announcer.announce(
        _key(order, standing),
        "Signalbox.Promotion.Delegated",
        f"promotions/{promotion}",
        {
            "promotion": promotion,
            "model": str(order.plan.model),
            "stage": order.stage,
            "evidence": order.evidence,
            "role": standing.role,
            "by": standing.by.name,
            "until": (since + timedelta(seconds=policy.expire_after_s)).isoformat(timespec="minutes") if since else "",
            "tell": [standing.to],
        },
    )
    note_change(records.store.hub, records.store.container, PROMOTIONS, promotion)
    return standing


def take_back(records: DecisionRecords, promotion: str, role: str, person: Person, at: datetime) -> Delegation:
    """Take back what *person* has left to somebody as *role*; they decide themselves again. Raises DecisionRefused."""
    order = _question(records, promotion)
    record = _find(records, delegation_path(promotion, order.stage, role, order.evidence))
    if record is None or not same_person(record.delegation.by, person):
        raise DecisionRefused(Objection.UNKNOWN_DECISION, f"{person.name} has left nothing as {role} to anybody here")
    delegation = replace(record.delegation, withdrawn=True)
    if not record.delegation.withdrawn:
        _replace(records, record, _statement(order, delegation, at))
    _log(records, order, "delegation withdrawn", delegation)
    note_change(records.store.hub, records.store.container, PROMOTIONS, promotion)
    return delegation


def _question(records: DecisionRecords, promotion: str) -> c.StageOrder:
    request, opening = under_way(records, promotion)
    order = question_now(records.statements, records.ledger, request, opening)
    if order is None:
        message = f"{promotion} waits for nobody now; see `explain {promotion}`"
        raise DecisionRefused(Objection.NOTHING_TO_DECIDE, message)
    return order


def _recorded(records: DecisionRecords, order: c.StageOrder, delegation: Delegation) -> Delegation:
    """The delegation that stands from now on: the first one, where it says the same."""
    path = delegation_path(order.promotion.id, order.stage, delegation.role, order.evidence)
    statement = _statement(order, delegation, delegation.at)
    # Created conditionally: of two people who hand on one role at one moment one is first, without a lock.
    if records.statements.create(path, statement):
        return delegation
    record = _find(records, path)
    if record is None:
        raise DecisionRefused(Objection.CHANGED, "the delegation was changed by somebody else; look again")
    first = record.delegation
    if first.withdrawn:
        _replace(records, record, statement)
        return delegation
    if not same_person(first.by, delegation.by) or first.to.casefold() != delegation.to.casefold():
        message = f"{first.by.name} has left this to {first.to}, and can take that back"
        raise DecisionRefused(Objection.DELEGATED, message)
    return first


def _find(records: DecisionRecords, path: str) -> SignedDelegation | None:
    try:
        return signed_delegation(records.statements, path)
    except ForgedError as forgery:
        message = f"{forgery}; it stands in the way of a delegation: an operator must look at it and remove it"
        raise DecisionRefused(Objection.FORGED, message) from forgery


def _replace(records: DecisionRecords, record: SignedDelegation, statement: Statement) -> None:
    try:
        records.statements.replace(record.stored, statement)
    except LostRace as lost:
        message = "the delegation was changed by somebody else; look again"
        raise DecisionRefused(Objection.CHANGED, message) from lost


def _statement(order: c.StageOrder, delegation: Delegation, at: datetime) -> Statement:
    """What a door signs of a delegation; it is about the evidence that its person was shown."""
    predicate = DelegationPredicate(promotion=order.promotion.id, stage=order.stage, delegation=delegation)
    subjects = {f"evidence of {order.promotion.id}": delegation.evidence}
    return Statement(kind=PredicateKind.DELEGATION, subjects=subjects, at=at, predicate=plain_record(predicate))


def _log(records: DecisionRecords, order: c.StageOrder, kind: str, delegation: Delegation) -> None:
    """Write it to the audit log, once for each delegation and each time that one is taken back."""
    facts = {"promotion": order.promotion.id, "stage": order.stage, **encode(delegation)}
    key = f"{_key(order, delegation)}/{'withdrawn' if delegation.withdrawn else 'made'}"
    records.audit.append(key, kind, str(order.plan.model), delegation.by.name, facts)


def _key(order: c.StageOrder, delegation: Delegation) -> str:
    moment = delegation.at.isoformat()
    return identity.digest("delegation", order.promotion.id, order.stage, delegation.role, moment, length=40)
