"""People's decisions over HTTP: approve, reject, withdraw, break the glass. Each is a record with a verified identity.

What is written here is judged later, by activities, from the records alone; the event is only a wake-up.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared import contracts as c
from shared.application.promotion.decisions import record_decision, tell_decision
from shared.application.promotion.standing import (
    askers_of,
    asking,
    decided,
    glass_stage,
    has_receipt,
    opened,
    pack_of,
)
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, Person, refuse_approval
from shared.domain.promotion.plans import Phase
from shared.durable.starting import Client, wake
from shared.records.promotion import decisions, find_promotion
from shared.records.store import LostRace, Stored
from triggers.http.problems import Problem
from triggers.http.requests import Decision, GlassBroken, Withdrawal
from triggers.http.responses import work as answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a person has *said*, as it is stored, and the stage and phase that would use it."""

    stage: str
    phase: Phase
    stored: Stored[Approval]

    @property
    def said(self) -> Approval:
        return self.stored.record


async def decide(
    client: Client, clients: Clients, promotion: str, person: Person, approved: bool, body: Decision
) -> answers.Decided:
    """Record *person*'s decision in `role` on `evidence`, and wake the promotion."""
    record = await asyncio.to_thread(_decide, clients, promotion, person, approved, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return record


async def withdraw(
    client: Client, clients: Clients, promotion: str, person: Person, body: Withdrawal
) -> answers.Withdrawn:
    """Take back an own decision, as long as nothing has been moved on its strength."""
    record = await asyncio.to_thread(_withdraw, clients, promotion, person, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return record


async def break_glass(
    client: Client, clients: Clients, promotion: str, person: Person, body: GlassBroken
) -> answers.Decided:
    """Record *person*'s part of an override of one phase's gates; all roles of the policy must agree."""
    record = await asyncio.to_thread(_break_glass, clients, promotion, person, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return record


def _decide(clients: Clients, promotion: str, person: Person, approved: bool, body: Decision) -> answers.Decided:
    request, plan, fate = _promotion(clients, promotion)
    _refuse_ended(promotion, fate)
    at = asking(clients.ledger, request, plan)
    pack = pack_of(clients.ledger, promotion, at.stage.name) if at else None
    if at is None or pack is None:
        raise Problem(409, "nothing to decide", f"{promotion} waits for nobody now; see `explain {promotion}`")
    given, policy = decided(clients.store, promotion, at.stage.name), at.stage.approvals
    askers = askers_of(clients.store, request, plan.digest)
    wrong = refuse_approval(policy, body.role, person, askers, body.evidence, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, at.stage.name, _approval(clients, person, approved, body))


def _break_glass(clients: Clients, promotion: str, person: Person, body: GlassBroken) -> answers.Decided:
    request, plan, fate = _promotion(clients, promotion)
    _refuse_ended(promotion, fate)
    stage, phase = body.stage, body.phase
    pack = pack_of(clients.ledger, promotion, stage, phase)
    if pack is None or not request.break_glass:
        raise Problem(409, "nothing to override", f"{promotion} waits for no override at {stage} ({phase.value})")
    kept, policy = glass_stage(stage, phase), clients.configuration.ladder.break_glass.policy
    given, askers = decided(clients.store, promotion, kept), askers_of(clients.store, request, plan.digest)
    wrong = refuse_approval(policy, body.role, person, askers, body.evidence, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, kept, _approval(clients, person, True, body))


def _withdraw(clients: Clients, promotion: str, person: Person, body: Withdrawal) -> answers.Withdrawn:
    request, plan, fate = _promotion(clients, promotion)
    mine = list(_own(clients, promotion, plan, person, body))
    if not mine:
        raise Problem(404, "no such decision", f"{person.name} has not decided as {body.role} here")
    ledger = clients.ledger
    unused = [own for own in mine if not (own.said.used or has_receipt(ledger, promotion, own.stage, own.phase))]
    if not unused:
        raise Problem(409, "too late", f"the decision on {mine[-1].stage} has been used; ask for a roll-back")
    _refuse_ended(promotion, fate)
    newest = max(unused, key=lambda each: each.said.at)
    try:
        clients.store.update(newest.stored, replace(newest.said, withdrawn=True))
    except LostRace as lost:
        raise Problem(409, "changed meanwhile", "the decision was changed by somebody else; look again") from lost
    key = f"{newest.stored.blob.path}/withdrawn/{newest.said.at.isoformat()}"
    tell_decision(clients.audit, request, key, "withdrawn", newest.said)
    return answers.Withdrawn(promotion=promotion, stage=newest.stage, role=body.role, withdrawn=True)


def _own(clients: Clients, promotion: str, plan: c.Plan, person: Person, body: Withdrawal) -> Iterator[Own]:
    """*person*'s decisions of the kind that *body* means, as far as they are not withdrawn."""
    for at in plan.stages:
        stage = at.stage.name
        places = [(phase, glass_stage(stage, phase)) for phase in Phase if body.phase in (phase, None)]
        places += [(Phase.ENTRY, stage)] if body.phase is None else []
        for phase, kept in places if body.stage in (stage, "") else ():
            for stored in decisions(clients.store, promotion, kept):
                found = stored.record
                if (found.oid, found.role, found.withdrawn) == (person.oid, body.role, False):
                    yield Own(stage=stage, phase=phase, stored=stored)


def _record(clients: Clients, request: c.Promotion, stage: str, approval: Approval) -> answers.Decided:
    try:
        kind = record_decision(clients.store, clients.audit, request, stage, approval)
    except Refused as refusal:
        raise Problem(409, "already decided", str(refusal)) from refusal
    return answers.Decided(promotion=request.id, stage=stage, role=approval.role, decision=kind, by=approval.name)


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
    """What was asked for, its plan, and its fate, empty while it is under way."""
    record = find_promotion(clients.store, promotion)
    found = opened(clients.ledger, promotion)
    if record is None or found is None or found.plan is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known, or has no plan yet")
    return record.promotion, found.plan, record.fate.value if record.fate else ""
