"""People's decisions over HTTP: approve, reject, withdraw, break the glass. Each is a record with a verified identity.

What is written here is judged later, by activities, from the records alone; the event is only a wake-up.
"""

import asyncio
import json
from dataclasses import replace

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.deciding import record_decision, tell_decision
from shared.domain import records
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, Person, refuse_approval
from shared.durable import Client, wake
from shared.standing import asking, decided, decisions, glass_stage, has_receipt, opened, pack_of
from triggers import answers
from triggers.problems import Problem
from triggers.requests import Decision, GlassBroken


async def decide(
    client: Client, clients: Clients, promotion: str, person: Person, approved: bool, body: Decision
) -> answers.Decided:
    """Record *person*'s decision in `role` on `evidence`, and wake the promotion."""
    record = await asyncio.to_thread(_decide, clients, promotion, person, approved, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return record


async def withdraw(client: Client, clients: Clients, promotion: str, person: Person, role: str) -> answers.Withdrawn:
    """Take back an own decision, as long as nothing has been moved on its strength."""
    record = await asyncio.to_thread(_withdraw, clients, promotion, person, role)
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
    request, plan = _promotion(clients, promotion)
    at = asking(clients, request, plan)
    pack = pack_of(clients, promotion, at.stage.name) if at else None
    if at is None or pack is None:
        raise Problem(409, "nothing to decide", f"{promotion} waits for nobody now; see `explain {promotion}`")
    given, policy = decided(clients, promotion, at.stage.name), at.stage.approvals
    wrong = refuse_approval(policy, body.role, person, request.requester, body.evidence, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, at.stage.name, _approval(clients, person, approved, body))


def _break_glass(clients: Clients, promotion: str, person: Person, body: GlassBroken) -> answers.Decided:
    request, _ = _promotion(clients, promotion)
    stage, phase = body.stage, body.phase
    pack = pack_of(clients, promotion, stage, phase)
    if pack is None or not request.break_glass:
        raise Problem(409, "nothing to override", f"{promotion} waits for no override at {stage} ({phase.value})")
    kept, policy = glass_stage(stage, phase), clients.configuration.ladder.break_glass.policy
    given = decided(clients, promotion, kept)
    wrong = refuse_approval(policy, body.role, person, request.requester, body.evidence, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, kept, _approval(clients, person, True, body))


def _withdraw(clients: Clients, promotion: str, person: Person, role: str) -> answers.Withdrawn:
    request, plan = _promotion(clients, promotion)
    for at in plan.stages:
        for record, found in decisions(clients, promotion, at.stage.name):
            if (found.oid, found.role) != (person.oid, role) or found.withdrawn:
                continue
            if has_receipt(clients, promotion, at.stage.name):
                raise Problem(409, "too late", f"the approval of {at.stage.name} has been used; ask for a roll-back")
            taken = json.dumps(encode(replace(found, withdrawn=True))).encode()
            if not clients.hub.replace(record.container, record.path, taken, record.etag):
                raise Problem(409, "changed meanwhile", "the decision was changed by somebody else; look again")
            tell_decision(clients, request, f"{record.path}/withdrawn/{found.at.isoformat()}", "withdrawn", found)
            return answers.Withdrawn(promotion=promotion, role=role, withdrawn=True)
    raise Problem(404, "no such decision", f"{person.name} has not decided as {role} here")


def _record(clients: Clients, request: c.Promotion, stage: str, approval: Approval) -> answers.Decided:
    try:
        kind = record_decision(clients, request, stage, approval)
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
    )


def _promotion(clients: Clients, promotion: str) -> tuple[c.Promotion, c.Plan]:
    raw = clients.hub.read(clients.configuration.hub.state, records.promotion(promotion))
    found = opened(clients, promotion)
    if raw is None or found is None or found.plan is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known, or has no plan yet")
    return decode(c.Promotion, json.loads(raw)["promotion"]), found.plan
