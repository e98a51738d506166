"""Keep a promotion's approvals here and in Azure DevOps the same: what was decided there is recorded here, by the same
rules as at the door; what was decided here is told there. Nobody is asked twice, and no decision comes back as an echo.
"""

import asyncio
import json
from collections.abc import Iterator

from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.deciding import record_decision
from shared.domain import identity, records
from shared.domain.devops.approvals import DECIDED, evidence_of, in_role, role_of
from shared.domain.devops.configuration import StageApprovals
from shared.domain.devops.seen import ApprovalSeen, Decision
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval, Standing, refuse_approval
from shared.domain.promotion.plans import StagePlan
from shared.domain.redaction import redacted
from shared.durable import Client, wake
from shared.standing import asked_at, asking, decided, has_receipt, judgement, opened, pack_of, question


async def mirror_approvals(client: Client, clients: Clients, mirroring: c.Mirroring) -> c.Mirrored:
    seen, changed = await asyncio.to_thread(_mirror, clients, mirroring)
    if changed:
        await wake(client, mirroring.promotion, c.DECISION_GIVEN)
    return seen


def _mirror(clients: Clients, mirroring: c.Mirroring) -> tuple[c.Mirrored, bool]:
    """What is still to come, and whether a decision was recorded."""
    raw = clients.hub.read(clients.configuration.hub.state, records.promotion(mirroring.promotion))
    found = opened(clients, mirroring.promotion)
    if raw is None or found is None:
        return c.Mirrored(), False
    record, notes, changed = json.loads(raw), list[str](), False
    for rules, at in _stages(clients, found.plan):
        order = _order(clients, record, found, at)
        for organisation, project, approval in _approvals(clients, mirroring.promotion, rules):
            if order is not None and not record.get("fate"):
                taken, said = _take(clients, order, organisation, approval, rules)
                changed, notes = changed or taken, notes + said
            verdict = _verdict(clients, record, order, at)
            if approval.pending and verdict is not None:
                notes += _tell(clients, mirroring, (organisation, project, approval.id), verdict)
    return c.Mirrored(ended=bool(record.get("fate")), notes=tuple(notes[:10])), changed


def _stages(clients: Clients, plan: c.Plan | None) -> Iterator[tuple[StageApprovals, StagePlan]]:
    for at in plan.stages if plan else ():
        rules = clients.configuration.devops.asks(at.stage.name)
        if rules is not None:
            yield rules, at


def _order(clients: Clients, record: dict[str, object], found: c.PromotionOpened, at: StagePlan) -> c.StageOrder | None:
    """The question that *at* asks people, None before its evidence is written."""
    request = decode(c.Promotion, record["promotion"])
    pack = pack_of(clients, request.id, at.stage.name)
    if pack is None or found.plan is None:
        return None
    return question(request, found.plan, found.plan_digest, at.stage.name, pack.digest)


def _approvals(clients: Clients, promotion: str, rules: StageApprovals) -> Iterator[tuple[str, str, ApprovalSeen]]:
    """Every approval of the linked runs that is assigned to an approver of the stage."""
    state = clients.configuration.hub.state
    for blob in clients.hub.list(state, records.devops_links(promotion)):
        link = json.loads(clients.hub.read(state, blob.path) or b"{}")
        if link.get("organisation") != rules.organisation:
            continue
        for approval in clients.devops_approvals.of_run(link["organisation"], link["project"], int(link["run"])):
            if any(role_of(step, rules.approvers) for step in approval.steps):
                yield link["organisation"], link["project"], approval


def _take(
    clients: Clients, order: c.StageOrder, organisation: str, approval: ApprovalSeen, rules: StageApprovals
) -> tuple[bool, list[str]]:
    """Record what people decided there; whether anything was new, and why something was not taken."""
    taken, notes = False, list[str]()
    now = asking(clients, order.promotion, order.plan)
    if now is None or now.stage.name != order.stage:
        return False, []
    for step in approval.steps:
        role = role_of(step, rules.approvers)
        if role and step.status in DECIDED and step.who:
            new, why = _take_step(clients, order, organisation, step, role)
            taken, notes = taken or new, notes + ([why] if why else [])
    return taken, notes


def _take_step(clients: Clients, order: c.StageOrder, organisation: str, step: Decision, role: str) -> tuple[bool, str]:
    found = clients.devops_facts.person(organisation, step.who)
    if found is None:
        return False, ""  # The app's own decision, come back.
    policy, given = order.at.stage.approvals, decided(clients, order.promotion.id, order.stage)
    if any((each.role, each.oid, each.evidence) == (role, found.oid, order.evidence) for each in given):
        return False, ""  # Known already, or withdrawn here: it is not taken a second time.
    person, shown = in_role(found, policy, role), evidence_of(step, order.evidence, asked_at(clients, order))
    wrong = refuse_approval(policy, role, person, order.promotion.requester, shown, order.evidence, given)
    if wrong:
        return False, wrong[:300]
    approval = Approval(
        role=role,
        oid=person.oid,
        name=person.name,
        approved=step.status == "approved",
        reason=redacted(f"in Azure DevOps: {step.comment}").strip(": ")[:1000],
        evidence=order.evidence,
        at=clients.clock.now(),
    )
    try:
        record_decision(clients, order.promotion, order.stage, approval)
    except Refused as refusal:
        return False, str(refusal)[:300]
    return True, ""


def _verdict(clients: Clients, record: dict[str, object], order: c.StageOrder | None, at: StagePlan) -> bool | None:
    """What Azure DevOps is to be told of the stage: None while people are waited for."""
    promotion = str(record["promotion"]["id"])  # type: ignore[index]  # As open_promotion wrote it.
    if has_receipt(clients, promotion, at.stage.name):
        return True
    if record.get("fate"):
        return False
    standing = judgement(clients, order).standing if order is not None else Standing.WAITING
    return {Standing.APPROVED: True, Standing.REJECTED: False}.get(standing)


def _tell(clients: Clients, mirroring: c.Mirroring, where: tuple[str, str, str], approved: bool) -> list[str]:
    """Once for each approval; where the app is no approver of it, that is said and left to people."""
    organisation, project, approval = where
    comment = f"{'approved' if approved else 'not approved'} in Signalbox: promotion {mirroring.promotion}"

    def act() -> c.Told:
        try:
            clients.devops_approvals.decide(organisation, project, approval, approved, comment)
        except Refused as refusal:
            return c.Told(at=stamp(clients), refused=str(refusal)[:300])
        return c.Told(at=stamp(clients))

    told = once(clients, identity.told_key(mirroring.promotion, approval), c.Told, act)
    return [told.refused] if told.refused else []
