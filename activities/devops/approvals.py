"""Keep the approvals of a promotion the same here and in Azure DevOps.

A decision that was made there is recorded here by the rules of the HTTP route. A decision that was made here is sent
there, once, and is not taken back as a new one.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from activities.effects import once, stamp
from activities.promotion.forgeries import tell_refused
from shared import contracts as c
from shared.application.devops.open_instances import close
from shared.application.promotion.decisions import Ballot, record_decision
from shared.application.promotion.standing import (
    asked_at,
    askers_of,
    asking,
    decided,
    has_receipt,
    judgement,
    pack_of,
    question,
)
from shared.application.promotion.stored_plans import signed_plan, unverified_opening
from shared.application.teams.owners import owner_of
from shared.clients import Clients
from shared.domain import identity
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.access.redaction import redacted
from shared.domain.devops.approvals import DECIDED, evidence_of, in_role, role_of
from shared.domain.devops.configuration import StageApprovals
from shared.domain.devops.seen import ApprovalSeen, ApprovalStep
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import ApprovalStanding, Person, refuse_approval, refuse_old_sign_in
from shared.domain.promotion.plans import StagePlan
from shared.durable.starting import Client, wake
from shared.records.devops import TaskLink, first_stage
from shared.records.devops import paths as devops_paths
from shared.records.predicates import DecisionSource
from shared.records.promotion import find_promotion


async def mirror_approvals(client: Client, clients: Clients, mirroring: c.Mirroring) -> c.Mirrored:
    result, any_new = await asyncio.to_thread(_mirror, clients, mirroring)
    if result.ended:
        await asyncio.to_thread(close, clients.store, identity.mirror_id(mirroring.promotion))
    if any_new:
        await wake(client, mirroring.promotion, c.DECISION_GIVEN)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A stage of the ladder that people may approve in Azure DevOps; *order* is its question, once it can be asked."""

    rules: StageApprovals
    project: str
    at: StagePlan
    order: c.StageOrder | None

    def knows(self, run: "WaitingRun") -> bool:
        return (run.organisation, run.project) == (self.rules.organisation, self.project)

    def counts(self, run: "WaitingRun", approval: ApprovalSeen) -> bool:
        """Beside the run's own task, or in the stage that is configured; anything else of the run is not ours."""
        stage_name, stage = self.rules.pipeline_stage, approval.stage
        in_stage = stage.name.lower() == stage_name.lower() if stage_name else stage.id in run.stages
        return self.knows(run) and in_stage and any(role_of(step, self.rules.approvers) for step in approval.steps)


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """*stages* has the ids of the pipeline's stages where the promotion's tasks wait, as far as they are known."""

    organisation: str
    project: str
    run: int
    stages: frozenset[str]


def _mirror(clients: Clients, mirroring: c.Mirroring) -> tuple[c.Mirrored, bool]:
    """What is still to come, and whether a decision was recorded."""
    record = find_promotion(clients.store, mirroring.promotion)
    opening = unverified_opening(clients.ledger, mirroring.promotion)
    if record is None or opening is None:
        return c.Mirrored(), False
    try:  # The roles and their holders come from the plan: one that nobody signed could name anybody.
        if opening.plan is not None:
            signed_plan(clients.statements, clients.ledger, mirroring.promotion, opening.plan_digest)
    except Refused as refusal:
        tell_refused(clients, record, refusal)
        return c.Mirrored(ended=record.fate is not None, notes=(str(refusal)[:300],)), False
    notes, any_new = list[str](), False
    has_ended, shared_stages = record.fate is not None, list(_shared(clients, record.promotion, opening))
    for run, approval in _approvals(clients, mirroring.promotion, shared_stages, notes):
        asks = [stage for stage in shared_stages if stage.counts(run, approval)]
        for stage in asks if not has_ended else ():
            is_new, reasons = _take(clients, stage, run, approval)
            any_new, notes = any_new or is_new, notes + reasons
        verdict = _verdict(clients, mirroring.promotion, has_ended, asks)
        if approval.pending and verdict is not None:
            notes += _tell(clients, mirroring, (run.organisation, run.project, approval.id), verdict)
    return c.Mirrored(ended=has_ended, notes=tuple(dict.fromkeys(notes))[:10]), any_new


def _shared(clients: Clients, request: c.Promotion, opening: c.PromotionOpened) -> Iterator[Shared]:
    for at in opening.plan.stages if opening.plan else ():
        rules = clients.configuration.devops.asks(at.stage.name)
        if rules is not None:
            project = clients.devops_facts.project_id(rules.organisation, rules.project)
            yield Shared(rules=rules, project=project, at=at, order=_order(clients, request, opening, at))


def _order(clients: Clients, request: c.Promotion, opening: c.PromotionOpened, at: StagePlan) -> c.StageOrder | None:
    """The question that *at* asks people, None before its evidence is written."""
    pack = pack_of(clients.ledger, request.id, at.stage.name)
    if pack is None or opening.plan is None:
        return None
    return question(request, opening.plan, opening.plan_digest, at.stage.name, pack.digest)


def _approvals(
    clients: Clients, promotion: str, stages: list[Shared], notes: list[str]
) -> Iterator[tuple[WaitingRun, ApprovalSeen]]:
    """Every approval of the runs that wait. A note is added to *notes* if a run's stage is not known."""
    for run in _runs(clients, promotion):
        mine = [stage for stage in stages if stage.knows(run)]
        if not run.stages:
            unmatched = [stage.at.stage.name for stage in mine if not stage.rules.pipeline_stage]
            reason = f"the stage of run {run.run} that waits is not known; name it in devops.approvals"
            notes += [f"{reason}.{stage}.pipeline_stage" for stage in unmatched]
        for approval in clients.devops_approvals.of_run(run.organisation, run.project, run.run) if mine else ():
            yield run, approval


def _runs(clients: Clients, promotion: str) -> list[WaitingRun]:
    stages_of = dict[tuple[str, str, int], set[str]]()
    for entry in clients.store.list(TaskLink, devops_paths.links(promotion)):
        link = entry.record
        stages = stages_of.setdefault((link.organisation, link.project, link.run), set())
        stages |= {link.stage} if link.stage else set()
    return [WaitingRun(*run, frozenset(stages)) for run, stages in stages_of.items()]


def _take(clients: Clients, asks: Shared, run: WaitingRun, approval: ApprovalSeen) -> tuple[bool, list[str]]:
    """Record what people decided there while the stage asks; whether anything was new, and why something was not."""
    any_new, notes, order = False, list[str](), asks.order
    now = asking(clients.statements, clients.ledger, order.promotion, order.plan) if order is not None else None
    if order is None or now is None or now.stage.name != order.stage:
        return False, []
    for step in approval.steps:
        role = role_of(step, asks.rules.approvers)
        if role and step.status in DECIDED and step.decider:
            new, why = _take_step(clients, order, run, approval, step, role)
            any_new, notes = any_new or new, notes + ([why] if why else [])
    return any_new, notes


def _take_step(
    clients: Clients, order: c.StageOrder, run: WaitingRun, approval: ApprovalSeen, step: ApprovalStep, role: str
) -> tuple[bool, str]:
    """Whether the decision of *step* was recorded now, and why not where somebody should know it."""
    member = clients.devops_facts.person(run.organisation, step.decider)
    if member is None:
        return False, ""  # The app's own decision, come back.
    policy, decisions = order.at.stage.approvals, decided(clients.statements, order.promotion.id, order.stage)
    same = (role, member.oid, order.evidence)
    if any((decision.role, decision.oid, decision.evidence) == same for decision in decisions):
        return False, ""  # Known already, or withdrawn here: it is not taken a second time.
    # A person who writes no digest has decided about the page that was there at that time, not about one written later.
    since = asked_at(clients.ledger, order, clients.clock.now())
    person, evidence = in_role(member, policy, role), evidence_of(step, order.evidence, since)
    askers = askers_of(clients.store, order.promotion, order.plan.digest)
    objection = refuse_approval(policy, role, person, askers, evidence, order.evidence, decisions)
    # What Azure DevOps tells of a decision does not say when its person has signed in.
    objection = objection or refuse_old_sign_in(policy, person, clients.clock.now())
    objection = objection or _elsewhere(clients, order, person)
    objection = objection or _used(clients, order, approval.id, person.oid)
    if objection:
        return False, objection[:300]
    ballot = Ballot(
        person=person,
        role=role,
        approved=step.status == "approved",
        evidence=order.evidence,
        reason=redacted(f"in Azure DevOps: {step.comment}").strip(": ")[:1000],
        at=clients.clock.now(),
    )
    source = _source(clients, run, approval, step, person)
    try:
        record_decision(clients.statements, clients.audit, order.promotion, order.stage, ballot.approval(), source)
    except Refused as refusal:
        return False, str(refusal)[:300]
    return True, ""


def _source(
    clients: Clients, run: WaitingRun, approval: ApprovalSeen, step: ApprovalStep, person: Person
) -> DecisionSource:
    """Where the decision of *step* was read. The hook that told of it is no part of that: it is never believed."""
    url = clients.devops_approvals.address(run.organisation, run.project, approval.id)
    transport = "over TLS" if url.startswith("https://") else "without TLS"
    return DecisionSource(
        system="Azure DevOps",
        organisation=run.organisation,
        project=run.project,
        run=run.run,
        approval=approval.id,
        url=url,
        step=step.approver,
        given_by=f"{person.name} ({step.decider})",
        given_at=step.at,
        status=step.status,
        comment=redacted(step.comment)[:1000],
        verified=(
            f"read from the API of Azure DevOps {transport} with the app's own identity; the person was read from "
            "the organisation's graph, which names their object id in the directory; the run was named by its own task"
        ),
    )


def _elsewhere(clients: Clients, order: c.StageOrder, person: Person) -> str:
    """Why *person*, by the permissions of here, may not decide where the stage leads; empty where they may."""
    permissions, place = clients.configuration.permissions, order.at.stage.place
    team = owner_of(clients.configuration, order.promotion)
    if permissions.allows(Caller.of(person), Action.DECIDE, place, team):
        return ""
    persons = permissions.who_may(Action.DECIDE, place, team)
    return f"{person.name} may not {Action.DECIDE.value} in {place}; these may: {persons}"


def _used(clients: Clients, order: c.StageOrder, approval: str, oid: str) -> str:
    """Why the decision cannot count here: it counts for another stage, which asked first. Clocks are not asked."""
    first = first_stage(clients.store, order.promotion.id, approval, oid, order.stage)
    return "" if first == order.stage else f"approval {approval} was given for {first}, and {order.stage} asks anew"


def _verdict(clients: Clients, promotion: str, ended: bool, asks: list[Shared]) -> bool | None:
    """The decision for an approval that stands for *asks*: False if one of them is, True if all are, else None."""
    answers = [_decided(clients, promotion, ended, stage) for stage in asks]
    if False in answers:
        return False
    return True if answers and all(answers) else None


def _decided(clients: Clients, promotion: str, ended: bool, asks: Shared) -> bool | None:
    """None also where the promotion ended before this stage asked anybody."""
    if has_receipt(clients.statements, clients.ledger, promotion, asks.at.stage.name):
        return True
    if asks.order is None:
        return None
    if ended:
        return False
    verdict = judgement(clients.statements, clients.ledger, asks.order, clients.clock.now())
    return {ApprovalStanding.APPROVED: True, ApprovalStanding.REJECTED: False}.get(verdict.standing)


def _tell(clients: Clients, mirroring: c.Mirroring, address: tuple[str, str, str], approved: bool) -> list[str]:
    """Once for each approval; where the app is no approver of it, that is said and left to people."""
    organisation, project, approval = address
    comment = f"{'approved' if approved else 'not approved'} in Signalbox: promotion {mirroring.promotion}"

    def act() -> c.Told:
        clients.devops_approvals.decide(organisation, project, approval, approved, comment)
        return c.Told(at=stamp(clients))

    try:
        once(clients, identity.told_key(mirroring.promotion, approval), c.Told, act)
    except Refused as refusal:  # Not recorded: a permission may be given before the next look.
        return [str(refusal)[:300]]
    return []
