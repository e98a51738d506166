"""People's decisions over HTTP: approve, reject, withdraw, break the glass. Each is a record with a verified identity.

What is written here is judged later, by activities, from the records alone; the event is only a wake-up.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared import contracts as c
from shared.application.promotion.decisions import record_decision, tell_decision
from shared.application.promotion.standing import (
    askers_of,
    asking,
    decided,
    decisions,
    glass_stage,
    has_receipt,
    opened,
    pack_of,
)
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, Person, refuse_approval
from shared.domain.promotion.plans import Phase
from shared.durable.starting import Client, wake
from shared.ports import Blob
from shared.records import paths as records
from triggers.http.problems import Problem
from triggers.http.requests import Decision, GlassBroken, Withdrawal
from triggers.http.responses import work as answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a person has *said*, its record, and the stage and phase that would use it."""

    stage: str
    phase: Phase
    record: Blob
    said: Approval


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
    at = asking(clients, request, plan)
    pack = pack_of(clients, promotion, at.stage.name) if at else None
    if at is None or pack is None:
        raise Problem(409, "nothing to decide", f"{promotion} waits for nobody now; see `explain {promotion}`")
    given, policy = decided(clients, promotion, at.stage.name), at.stage.approvals
    askers = askers_of(clients, request, plan.digest)
    wrong = refuse_approval(policy, body.role, person, askers, body.evidence, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, at.stage.name, _approval(clients, person, approved, body))


def _break_glass(clients: Clients, promotion: str, person: Person, body: GlassBroken) -> answers.Decided:
    request, plan, fate = _promotion(clients, promotion)
    _refuse_ended(promotion, fate)
    stage, phase = body.stage, body.phase
    pack = pack_of(clients, promotion, stage, phase)
    if pack is None or not request.break_glass:
        raise Problem(409, "nothing to override", f"{promotion} waits for no override at {stage} ({phase.value})")
    kept, policy = glass_stage(stage, phase), clients.configuration.ladder.break_glass.policy
    given, askers = decided(clients, promotion, kept), askers_of(clients, request, plan.digest)
    wrong = refuse_approval(policy, body.role, person, askers, body.evidence, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, kept, _approval(clients, person, True, body))


def _withdraw(clients: Clients, promotion: str, person: Person, body: Withdrawal) -> answers.Withdrawn:
    request, plan, fate = _promotion(clients, promotion)
    mine = list(_own(clients, promotion, plan, person, body))
    if not mine:
        raise Problem(404, "no such decision", f"{person.name} has not decided as {body.role} here")
    unused = [each for each in mine if not (each.said.used or has_receipt(clients, promotion, each.stage, each.phase))]
    if not unused:
        raise Problem(409, "too late", f"the decision on {mine[-1].stage} has been used; ask for a roll-back")
    _refuse_ended(promotion, fate)
    newest = max(unused, key=lambda each: each.said.at)
    taken = json.dumps(encode(replace(newest.said, withdrawn=True))).encode()
    if not clients.hub.replace(newest.record.container, newest.record.path, taken, newest.record.etag):
        raise Problem(409, "changed meanwhile", "the decision was changed by somebody else; look again")
    key = f"{newest.record.path}/withdrawn/{newest.said.at.isoformat()}"
    tell_decision(clients, request, key, "withdrawn", newest.said)
    return answers.Withdrawn(promotion=promotion, stage=newest.stage, role=body.role, withdrawn=True)


def _own(clients: Clients, promotion: str, plan: c.Plan, person: Person, body: Withdrawal) -> Iterator[Own]:
    """*person*'s decisions of the kind that *body* means, as far as they are not withdrawn."""
    for at in plan.stages:
        stage = at.stage.name
        places = [(phase, glass_stage(stage, phase)) for phase in Phase if body.phase in (phase, None)]
        places += [(Phase.ENTRY, stage)] if body.phase is None else []
        for phase, kept in places if body.stage in (stage, "") else ():
            for record, found in decisions(clients, promotion, kept):
                if (found.oid, found.role, found.withdrawn) == (person.oid, body.role, False):
                    yield Own(stage=stage, phase=phase, record=record, said=found)


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
        tenant=person.tenant,
        mails=person.mails,
    )


def _refuse_ended(promotion: str, fate: str) -> None:
    if fate:
        raise Problem(409, "ended", f"{promotion} has ended as {fate}: nothing is decided on it any more")


def _promotion(clients: Clients, promotion: str) -> tuple[c.Promotion, c.Plan, str]:
    """What was asked for, its plan, and its fate, empty while it is under way."""
    raw = clients.hub.read(clients.configuration.hub.state, records.promotion(promotion))
    found = opened(clients, promotion)
    if raw is None or found is None or found.plan is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known, or has no plan yet")
    record = json.loads(raw)
    return decode(c.Promotion, record["promotion"]), found.plan, record.get("fate", "")
