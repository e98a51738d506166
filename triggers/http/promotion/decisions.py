"""People's decisions over HTTP: approve, reject, withdraw, delegate, break the glass, by a verified identity.

What is accepted and how it is recorded is in `shared/application/promotion/decisions.py`; here is the form on the wire.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from shared import contracts as c
from shared.application.promotion.decisions import (
    Ballot,
    DecisionChoice,
    DecisionRecords,
    DecisionRefused,
    Objection,
    agree_to_break_glass,
    decide,
    withdraw,
)
from shared.application.promotion.people.delegations import HandOver, delegate, take_back
from shared.clients import Clients
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.plans import Phase
from shared.domain.teams.ownership import Belonging
from shared.validation.rules import Name, OptionalName, Sentence
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem

_STATUS = {
    Objection.UNKNOWN_PROMOTION: 404,
    Objection.UNKNOWN_DECISION: 404,
    Objection.NOT_ACCEPTED: 403,
    Objection.OLD_SIGN_IN: 401,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """*evidence* is the digest on the page that the caller has looked at."""

    role: Name
    evidence: Name
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Of several decisions that are not used yet the newest; *phase* means the consent to break that phase's glass."""

    role: Name
    stage: OptionalName = ""
    phase: Phase | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """*to* is an object id or a user principal name, as the configuration has it."""

    role: Name
    to: Name
    evidence: Name
    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    role: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """*role* was left to *to*; *withdrawn*: and is not any more."""

    promotion: str
    role: str
    to: str
    by: str
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken:
    role: Name
    stage: Name
    evidence: Name
    reason: Sentence
    phase: Phase = Phase.EXIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    promotion: str
    stage: str
    role: str
    decision: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    promotion: str
    stage: str
    role: str
    withdrawn: bool


async def approve_promotion(request: ApiRequest, promotion: str, body: Decision) -> Decided:
    """Approve what a promotion asks people now, in `role`, for the `evidence` that was looked at."""
    return await _decide(request, promotion, body, True)


async def reject_promotion(request: ApiRequest, promotion: str, body: Decision) -> Decided:
    """Reject what a promotion asks people now, in `role`, for the `evidence` that was looked at."""
    return await _decide(request, promotion, body, False)


async def withdraw_decision(request: ApiRequest, promotion: str, body: Withdrawal) -> Withdrawn:
    """Take back an own decision, as long as nothing has been moved on its strength."""
    now = request.clients.clock.now()
    choice = DecisionChoice(person=request.caller, role=body.role, at=now, stage=body.stage, phase=body.phase)
    with refusals_as_problems():
        stage = await withdraw(request.client, decision_records(request.clients), promotion, choice)
    return Withdrawn(promotion=promotion, stage=stage, role=body.role, withdrawn=True)


def delegate_decision(request: ApiRequest, promotion: str, body: HandedOver) -> Delegated:
    """Leave what a promotion asks the caller in `role` to another person, whom the configuration names for it."""
    hand_over = HandOver(
        person=request.caller,
        role=body.role,
        to=body.to,
        evidence=body.evidence,
        reason=body.reason,
        at=request.clients.clock.now(),
    )
    with refusals_as_problems():
        records, clients = decision_records(request.clients), request.clients
        permits = partial(_may_decide, clients)
        delegation = delegate(records, clients.announcer, permits, promotion, hand_over)
    return Delegated(promotion=promotion, role=body.role, to=delegation.to, by=delegation.by.name)


def withdraw_delegation(request: ApiRequest, promotion: str, body: TakenBack) -> Delegated:
    """Take back what the caller has left to another person; they decide themselves again."""
    now = request.clients.clock.now()
    with refusals_as_problems():
        delegation = take_back(decision_records(request.clients), promotion, body.role, request.caller, now)
    return Delegated(promotion=promotion, role=body.role, to=delegation.to, by=delegation.by.name, withdrawn=True)


async def break_glass(request: ApiRequest, promotion: str, body: GlassBroken) -> Decided:
    """Record the caller's part of an override of one phase's gates; all roles of the policy must agree."""
    records, policy = decision_records(request.clients), request.clients.configuration.ladder.break_glass.policy
    ballot = _ballot(request, body, True)
    with refusals_as_problems():
        stage, kind = await agree_to_break_glass(
            request.client, records, policy, promotion, body.stage, body.phase, ballot
        )
    return Decided(promotion=promotion, stage=stage, role=body.role, decision=kind, by=request.caller.name)


def decision_records(clients: Clients) -> DecisionRecords:
    """What decisions need of all *clients*; messages of the approvals queue ask for it too."""
    return DecisionRecords(clients.statements, clients.ledger, clients.audit)


async def _decide(request: ApiRequest, promotion: str, body: Decision, approved: bool) -> Decided:
    ballot = _ballot(request, body, approved)
    with refusals_as_problems():
        stage, kind = await decide(request.client, decision_records(request.clients), promotion, ballot)
    return Decided(promotion=promotion, stage=stage, role=body.role, decision=kind, by=request.caller.name)


def _may_decide(clients: Clients, order: c.StageOrder, person: Person) -> bool:
    """Whether *person*, of whom the configuration's name is all that is known, may decide on what is asked."""
    team = clients.configuration.team_of(Belonging.MODEL, order.plan.model.name)
    caller, place = Caller.of(person), order.at.stage.place
    return clients.configuration.permissions.allows(caller, Action.DECIDE, place, team)


def _ballot(request: ApiRequest, body: Decision | GlassBroken, approved: bool) -> Ballot:
    return Ballot(
        person=request.caller,
        role=body.role,
        approved=approved,
        evidence=body.evidence,
        reason=body.reason,
        at=request.clients.clock.now(),
    )


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """What is not accepted is answered with the status that its objection has."""
    try:
        yield
    except DecisionRefused as refusal:
        raise Problem(_STATUS.get(refusal.objection, 409), refusal.objection.value, str(refusal)) from refusal
