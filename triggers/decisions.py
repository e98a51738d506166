"""People's decisions over HTTP: approve, reject, withdraw, break the glass. Each is a record with a verified identity.

What is written here is judged later, by activities, from the records alone; the event is only a wake-up.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import records
from shared.domain.promotion.approvals import Approval, Person, refuse_approval
from shared.domain.promotion.plans import Phase
from shared.durable import Client, wake
from shared.standing import asking, decided, decisions, glass_stage, has_receipt, opened, pack_of
from triggers.bodies import text
from triggers.problems import Problem


async def decide(
    client: Client, clients: Clients, promotion: str, person: Person, approved: bool, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Record *person*'s decision in `role` on `evidence`, and wake the promotion."""
    record = await asyncio.to_thread(_decide, clients, promotion, person, approved, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return record


async def withdraw(
    client: Client, clients: Clients, promotion: str, person: Person, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Take back an own decision, as long as nothing has been moved on its strength."""
    record = await asyncio.to_thread(_withdraw, clients, promotion, person, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return record


async def break_glass(
    client: Client, clients: Clients, promotion: str, person: Person, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Record *person*'s part of an override of one phase's gates; all roles of the policy must agree."""
    record = await asyncio.to_thread(_break_glass, clients, promotion, person, body)
    await wake(client, promotion, c.DECISION_GIVEN)
    return record


def _decide(
    clients: Clients, promotion: str, person: Person, approved: bool, body: Mapping[str, Any]
) -> dict[str, Any]:
    request, plan = _promotion(clients, promotion)
    at = asking(clients, request, plan)
    pack = pack_of(clients, promotion, at.stage.name) if at else None
    if at is None or pack is None:
        raise Problem(409, "nothing to decide", f"{promotion} waits for nobody now; see `explain {promotion}`")
    role, shown, given = text(body, "role"), text(body, "evidence"), decided(clients, promotion, at.stage.name)
    wrong = refuse_approval(at.stage.approvals, role, person, request.requester, shown, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, at.stage.name, _approval(clients, role, person, approved, body, shown))


def _break_glass(clients: Clients, promotion: str, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
    request, _ = _promotion(clients, promotion)
    stage, phase = text(body, "stage"), _phase(body)
    pack = pack_of(clients, promotion, stage, phase)
    if pack is None or not request.break_glass:
        raise Problem(409, "nothing to override", f"{promotion} waits for no override at {stage} ({phase.value})")
    kept, role, shown = glass_stage(stage, phase), text(body, "role"), text(body, "evidence")
    policy, given = clients.configuration.ladder.break_glass.policy, decided(clients, promotion, kept)
    wrong = refuse_approval(policy, role, person, request.requester, shown, pack.digest, given)
    if wrong:
        raise Problem(403, "not accepted", wrong)
    return _record(clients, request, kept, _approval(clients, role, person, True, body, shown))


def _phase(body: Mapping[str, Any]) -> Phase:
    try:
        return Phase(body.get("phase", Phase.EXIT))
    except ValueError as error:
        raise Problem(400, "bad body", f"field 'phase' is {body.get('phase')!r}; use entry or exit") from error


def _withdraw(clients: Clients, promotion: str, person: Person, body: Mapping[str, Any]) -> dict[str, Any]:
    request, plan = _promotion(clients, promotion)
    role, state = text(body, "role"), clients.configuration.hub.state
    for at in plan.stages:
        for path, found in decisions(clients, promotion, at.stage.name):
            if (found.oid, found.role) != (person.oid, role) or found.withdrawn:
                continue
            if has_receipt(clients, promotion, at.stage.name):
                raise Problem(409, "too late", f"the approval of {at.stage.name} has been used; ask for a roll-back")
            there = clients.hub.find(state, path)
            taken = json.dumps(encode(replace(found, withdrawn=True))).encode()
            if there is None or not clients.hub.replace(state, path, taken, there.etag):
                raise Problem(409, "changed meanwhile", "the decision was changed by somebody else; look again")
            _tell(clients, request, f"{path}/withdrawn", "withdrawn", found)
            return {"promotion": promotion, "role": role, "withdrawn": True}
    raise Problem(404, "no such decision", f"{person.name} has not decided as {role} here")


def _record(clients: Clients, request: c.Promotion, stage: str, approval: Approval) -> dict[str, Any]:
    """One decision for each role and evidence: the first one stands."""
    name = f"{approval.role}-{approval.evidence.removeprefix('sha256:')[:16]}.json"
    path, state = f"{records.decisions(request.id, stage)}{name}", clients.configuration.hub.state
    if not clients.hub.create(state, path, json.dumps(encode(approval)).encode()):
        there = decode(Approval, json.loads(clients.hub.read(state, path) or b"{}"))
        if not there.withdrawn and (there.oid, there.approved) != (approval.oid, approval.approved):
            said = "approved" if there.approved else "rejected"
            raise Problem(409, "already decided", f"{there.name} has {said} as {there.role}; they can withdraw it")
        seen = clients.hub.find(state, path)
        if there.withdrawn and seen is not None:
            clients.hub.replace(state, path, json.dumps(encode(approval)).encode(), seen.etag)
    kind = "approved" if approval.approved else "rejected"
    _tell(clients, request, f"{path}/{kind}/{approval.at.isoformat()}", kind, approval)
    return {"promotion": request.id, "stage": stage, "role": approval.role, "decision": kind, "by": approval.name}


def _tell(clients: Clients, request: c.Promotion, key: str, kind: str, approval: Approval) -> None:
    facts = {"promotion": request.id, **encode(approval)}
    clients.audit.append(key, f"decision {kind}", str(request.model), approval.name, facts)


def _approval(
    clients: Clients, role: str, person: Person, approved: bool, body: Mapping[str, Any], evidence: str
) -> Approval:
    return Approval(
        role=role,
        oid=person.oid,
        name=person.name,
        approved=approved,
        reason=text(body, "reason"),
        evidence=evidence,
        at=clients.clock.now(),
    )


def _promotion(clients: Clients, promotion: str) -> tuple[c.Promotion, c.Plan]:
    raw = clients.hub.read(clients.configuration.hub.state, records.promotion(promotion))
    found = opened(clients, promotion)
    if raw is None or found is None or found.plan is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known, or has no plan yet")
    return decode(c.Promotion, json.loads(raw)["promotion"]), found.plan
