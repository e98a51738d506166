"""People's decisions over HTTP: approve, reject, withdraw, break the glass. Each is a record with a verified identity.

What is written here is judged later, by activities, from the records alone; the event is only a wake-up.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared import contracts as c
from shared.application.promotion.decisions import record_decision, tell_decision
from shared.application.promotion.standing import askers_of, asking, decided, glass_stage, has_receipt, pack_of
from shared.application.promotion.stored_plans import opened
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, Person, refuse_approval
from shared.domain.promotion.plans import Phase
from shared.durable.starting import Client, wake
from shared.records.promotion import decisions, find_promotion
from shared.records.store import LostRace, Stored
from shared.validation.rules import Name, OptionalName, Sentence
from triggers.http.api_route import ApiRequest
from triggers.http.problems import Problem


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDecision:
    """A decision of the caller's as it is stored, and the stage and phase that would use it."""

    stage: str
    phase: Phase
    stored: Stored[Approval]

    @property
    def approval(self) -> Approval:
        return self.stored.record


async def approve_promotion(request: ApiRequest, promotion: str, body: Decision) -> Decided:
    """Approve what a promotion asks people now, in `role`, for the `evidence` that was looked at."""
    return await decide(request.client, request.clients, promotion, request.caller, True, body)


async def reject_promotion(request: ApiRequest, promotion: str, body: Decision) -> Decided:
    """Reject what a promotion asks people now, in `role`, for the `evidence` that was looked at."""
    return await decide(request.client, request.clients, promotion, request.caller, False, body)


async def decide(
    client: Client, clients: Clients, promotion: str, person: Person, approved: bool, body: Decision
) -> Decided:
    """Record *person*'s decision, and wake the promotion; messages of the approvals queue come here too."""
    response = await asyncio.to_thread(_decide, clients, promotion, person, approved, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return response


async def withdraw_decision(request: ApiRequest, promotion: str, body: Withdrawal) -> Withdrawn:
    """Take back an own decision, as long as nothing has been moved on its strength."""
    response = await asyncio.to_thread(_withdraw, request.clients, promotion, request.caller, body)
    await wake(request.client, promotion, c.DECISION_GIVEN)
    return response


async def break_glass(request: ApiRequest, promotion: str, body: GlassBroken) -> Decided:
    """Record the caller's part of an override of one phase's gates; all roles of the policy must agree."""
    response = await asyncio.to_thread(_break_glass, request.clients, promotion, request.caller, body)
    await wake(request.client, promotion, c.DECISION_GIVEN)
    return response


def _decide(clients: Clients, promotion: str, person: Person, approved: bool, body: Decision) -> Decided:
    request, plan, fate = _promotion(clients, promotion)
    _refuse_ended(promotion, fate)
    at = asking(clients.ledger, request, plan)
    pack = pack_of(clients.ledger, promotion, at.stage.name) if at else None
    if at is None or pack is None:
        raise Problem(409, "nothing to decide", f"{promotion} waits for nobody now; see `explain {promotion}`")
    approvals, policy = decided(clients.store, promotion, at.stage.name), at.stage.approvals
    askers = askers_of(clients.store, request, plan.digest)
    reason = refuse_approval(policy, body.role, person, askers, body.evidence, pack.digest, approvals)
    if reason:
        raise Problem(403, "not accepted", reason)
    return _record(clients, request, at.stage.name, _approval(clients, person, approved, body))


def _break_glass(clients: Clients, promotion: str, person: Person, body: GlassBroken) -> Decided:
    request, plan, fate = _promotion(clients, promotion)
    _refuse_ended(promotion, fate)
    stage, phase = body.stage, body.phase
    pack = pack_of(clients.ledger, promotion, stage, phase)
    if pack is None or not request.break_glass:
        raise Problem(409, "nothing to override", f"{promotion} waits for no override at {stage} ({phase.value})")
    glass, policy = glass_stage(stage, phase), clients.configuration.ladder.break_glass.policy
    approvals, askers = decided(clients.store, promotion, glass), askers_of(clients.store, request, plan.digest)
    reason = refuse_approval(policy, body.role, person, askers, body.evidence, pack.digest, approvals)
    if reason:
        raise Problem(403, "not accepted", reason)
    return _record(clients, request, glass, _approval(clients, person, True, body))


def _withdraw(clients: Clients, promotion: str, person: Person, body: Withdrawal) -> Withdrawn:
    request, plan, fate = _promotion(clients, promotion)
    own_decisions = list(_own(clients, promotion, plan, person, body))
    if not own_decisions:
        raise Problem(404, "no such decision", f"{person.name} has not decided as {body.role} here")
    unused = [own for own in own_decisions if not _is_used(clients, promotion, own)]
    if not unused:
        raise Problem(409, "too late", f"the decision on {own_decisions[-1].stage} has been used; ask for a roll-back")
    _refuse_ended(promotion, fate)
    newest = max(unused, key=lambda own: own.approval.at)
    try:
        clients.store.update(newest.stored, replace(newest.approval, withdrawn=True))
    except LostRace as lost:
        raise Problem(409, "changed meanwhile", "the decision was changed by somebody else; look again") from lost
    key = f"{newest.stored.blob.path}/withdrawn/{newest.approval.at.isoformat()}"
    tell_decision(clients.audit, request, key, "withdrawn", newest.approval)
    return Withdrawn(promotion=promotion, stage=newest.stage, role=body.role, withdrawn=True)


def _is_used(clients: Clients, promotion: str, own: OwnDecision) -> bool:
    """Whether something may have been moved on the strength of the decision."""
    return own.approval.used or has_receipt(clients.ledger, promotion, own.stage, own.phase)


def _own(clients: Clients, promotion: str, plan: c.Plan, person: Person, body: Withdrawal) -> Iterator[OwnDecision]:
    """*person*'s decisions of the kind that *body* means, as far as they are not withdrawn."""
    for at in plan.stages:
        stage = at.stage.name
        places = [(phase, glass_stage(stage, phase)) for phase in Phase if body.phase in (phase, None)]
        places += [(Phase.ENTRY, stage)] if body.phase is None else []
        for phase, folder in places if body.stage in (stage, "") else ():
            for stored in decisions(clients.store, promotion, folder):
                approval = stored.record
                if (approval.oid, approval.role, approval.withdrawn) == (person.oid, body.role, False):
                    yield OwnDecision(stage=stage, phase=phase, stored=stored)


def _record(clients: Clients, request: c.Promotion, stage: str, approval: Approval) -> Decided:
    try:
        kind = record_decision(clients.store, clients.audit, request, stage, approval)
    except Refused as refusal:
        raise Problem(409, "already decided", str(refusal)) from refusal
    return Decided(promotion=request.id, stage=stage, role=approval.role, decision=kind, by=approval.name)


def _approval(clients: Clients, person: Person, approved: bool, body: Decision | GlassBroken) -> Approval:
    return Approval(
        role=body.role,
        oid=person.oid,
        name=person.name,
        approved=approved,
        reason=body.reason,
        evidence=body.evidence,
        at=clients.clock.now(),
        tenant=person.tenant,
        mails=person.mails,
    )


def _refuse_ended(promotion: str, fate: str) -> None:
    if fate:
        raise Problem(409, "ended", f"{promotion} has ended as {fate}: nothing is decided on it any more")


def _promotion(clients: Clients, promotion: str) -> tuple[c.Promotion, c.Plan, str]:
    """The promotion as it was requested, its plan, and its fate, empty while it is under way."""
    record = find_promotion(clients.store, promotion)
    opening = opened(clients.ledger, promotion)
    if record is None or opening is None or opening.plan is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known, or has no plan yet")
    return record.promotion, opening.plan, record.fate.value if record.fate else ""
