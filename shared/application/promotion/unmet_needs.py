"""What a promotion still needs, and who can meet it: of a plan, and of one under way. It reads, and writes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from shared import contracts as c
from shared.application.datasets.versions import hub_file
from shared.application.promotion.stage_entry import Receipts, unproven
from shared.application.promotion.standing import (
    askers_of,
    consents,
    has_receipt,
    judgement,
    pack_of,
    question,
    question_now,
)
from shared.application.promotion.stored_plans import unverified_opening
from shared.application.promotion.turns import holder_of, queue_of
from shared.application.provisioning.stage_changes import opened_change
from shared.codec import decode
from shared.domain import identity
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.gates import GateOutcome, judge_gates
from shared.domain.gates.evidence import Evidence
from shared.domain.promotion.approvals import ApprovalPolicy, ApprovalStanding, Role, who_can
from shared.domain.promotion.ladder import BreakGlass, Ladder, Promotable
from shared.domain.promotion.models import DIGEST
from shared.domain.promotion.plans import Phase, Plan, StagePlan
from shared.ports import AuditLog, Ledger, Models
from shared.records.promotion import delegations
from shared.records.statements import Statements
from shared.records.store import RecordStore

_ON_HOLDOUT = frozenset({"data_tests_passed", "better_than_champion", "outputs_agree"})  # Gates, by name.


def unmet_of_plan(receipts: Receipts, models: Models, ladder: Ladder, plan: Plan, now: datetime) -> list[str]:
    """Every condition that is not met *now*: other contents in the way, promotions, gates, and people."""
    skip_reason = unproven(receipts, ladder, plan, plan.stages[0])
    unmet = [
        *([skip_reason] if skip_reason else []),
        *_conflicts(models, plan),
        *_without_holdout(receipts.store, plan),
    ]
    unmet += [*_held_up(receipts.store, plan.locks(), "")]
    for at in plan.stages:
        for phase in Phase:
            unmet += [f"{at.stage.name} ({phase.value}): {gate}" for gate in _gates(at, phase, now)]
        unmet += [f"{at.stage.name}: {role.name}: nobody has approved; {who_can(role)}" for role in _asked(at)]
    return unmet


def unmet_now(
    statements: Statements, ledger: Ledger, audit: AuditLog, glass: BreakGlass, request: c.Promotion, now: datetime
) -> list[str]:
    """What a promotion under way waits for."""
    opening = unverified_opening(ledger, request.id)
    if opening is None or opening.plan is None:
        return [opening.because if opening else "it is being planned; look again"]
    plan = opening.plan
    order = question_now(statements, ledger, request, opening)
    if order is None:
        missing = _glass(statements, ledger, glass.policy, request, plan)
        orders = (question(request, plan, opening.plan_digest, at.stage.name, "") for at in plan.stages)
        changes = (sentence for order in orders for sentence in _changes(statements, ledger, audit, order))
        return [*_held_up(statements.store, opening.held, request.id), *missing, *changes] or [
            "nobody is waited for: it is at work"
        ]
    judgement_now = judgement(statements, ledger, order, now)
    if judgement_now.standing is ApprovalStanding.APPROVED:
        return list(_changes(statements, ledger, audit, order))
    left = tuple(_left(statements, order))
    conditions = (
        condition + "".join(text for role, text in left if condition.startswith(f"{role}: "))
        for condition in judgement_now.unmet
    )
    return [f"{order.stage}: {condition}" for condition in conditions]


def _changes(statements: Statements, ledger: Ledger, audit: AuditLog, order: c.StageOrder) -> Iterator[str]:
    """The change request that the order's stage waits for, once people were shown its evidence and have answered."""
    rules, pack = order.at.stage.change, pack_of(ledger, order.promotion.id, order.stage)
    if rules is None or pack is None or has_receipt(statements, ledger, order.promotion.id, order.stage):
        return
    opened = opened_change(ledger, audit, replace(order, evidence=pack.digest))
    if opened is None:
        yield f"{order.stage}: a change request is being opened in ServiceNow"
    else:
        who = f"group {rules.assignment_group}" if rules.assignment_group else "the person who approves it there"
        yield f"{order.stage}: change {opened.number} of ServiceNow is not approved yet; it can be met by {who}"


def _left(statements: Statements, order: c.StageOrder) -> Iterator[tuple[str, str]]:
    """The roles whose question somebody has left to another person, each with the end of a sentence that says so."""
    for delegation in delegations(statements, order.promotion.id, order.stage):
        if delegation.evidence == order.evidence and not delegation.withdrawn:
            yield delegation.role, f"; {delegation.by.name} has left it to {delegation.to}"


def unmet_at_end(model: Promotable | None, because: Iterable[str]) -> list[str]:
    """Why it went no further; what a gate says can be met by another version only."""
    owner = (model.owner if model else "") or "the team that trains the model"
    gates = tuple(f" ({phase.value}): " for phase in Phase)
    remedy = f"; it can be met by {owner}, with a new version"
    return [reason + remedy * any(gate in reason for gate in gates) for reason in because]


def _conflicts(models: Models, plan: Plan) -> Iterator[str]:
    """The same version with another content, where the plan wants to write."""
    for at in plan.stages:
        place = at.stage.environment or at.stage.registry
        registered = models.find(place, plan.model) if place and at.training is None else None
        if registered is None:
            continue
        digest = registered.tags.get(DIGEST) or registered.properties.get(DIGEST) or "an unknown digest"
        if digest != plan.digest:
            owner = plan.promotable.owner or "the team that trains the model"
            yield f"{at.stage.name}: {plan.model} is there with {digest}; it can be met by {owner}, with a new version"


def _without_holdout(store: RecordStore, plan: Plan) -> Iterator[str]:
    """The hold-out's files that are not in the hub, where a gate of the plan measures on them."""
    gates = {gate.gate for at in plan.stages for phase in Phase for gate in at.gates(phase)}
    holdout = plan.promotable.holdout
    for path in filter(None, (holdout.path, holdout.answers)) if gates & _ON_HOLDOUT else ():
        try:
            reason = "" if hub_file(store, path) else f"{path} is not in the hub"
        except Refused as refusal:
            reason = str(refusal)
        if reason:
            owner = plan.promotable.owner or "the team that trains the model"
            yield f"hold-out {reason}, so nothing is measured; it can be met by {owner}, with that file"


def _held_up(store: RecordStore, locks: Iterable[str], own: str) -> Iterator[str]:
    """Promotions that come first: the one that holds a lock, and those before the own one in its queue."""
    for lock in locks:
        owner, waiting = holder_of(store, lock), [place.promotion for place in queue_of(store, lock)]
        ahead = waiting[: waiting.index(own)] if own in waiting else waiting
        if owner and owner != own:
            yield f"{lock} is held by promotion {owner}; it can be met by those whom `explain {owner}` names"
        if ahead and owner != own and (own in waiting or not own):
            wait = counted(len(ahead), "promotion waits", "promotions wait")
            yield f"{lock}: {wait} before it: {', '.join(ahead[:5])}"


def _gates(at: StagePlan, phase: Phase, now: datetime) -> Iterator[str]:
    """Those that would not pass on what is known before anything is measured: freezes speak now, others later."""
    for verdict in judge_gates(at.gates(phase), Evidence(at=now)):
        if verdict.outcome is not GateOutcome.PASS:
            yield f"{verdict.gate}: {verdict.because}; the promotion measures it there"


def _asked(at: StagePlan) -> tuple[Role, ...]:
    return at.stage.approvals.roles


def _glass(
    statements: Statements, ledger: Ledger, policy: ApprovalPolicy, request: c.Promotion, plan: Plan
) -> Iterator[str]:
    """Of a promotion that may wait for an override: the gates that fail, and the roles that have not spoken."""
    roles = policy.asked(askers_of(statements.store, request, plan.digest))
    for at in plan.stages if request.break_glass else ():
        for phase in Phase:
            failing = failing_gates(statements, ledger, request.id, at.stage.name, phase)
            speakers = {approval.role for approval in consents(statements, request.id, at.stage.name, phase)}
            yield from (f"{at.stage.name} ({phase.value}): {reason}" for reason in failing)
            if failing:
                missing = (role for role in roles if role.name not in speakers)
                yield from (f"break the glass as {role.name}: {who_can(role, policy)}" for role in missing)


def failing_gates(statements: Statements, ledger: Ledger, promotion: str, stage: str, phase: Phase) -> tuple[str, ...]:
    """What keeps a phase that was assessed and has no receipt."""
    step = f"{stage}/{phase.value}"
    raw = ledger.find(identity.promotion_key(promotion, f"{step}/assessed"))
    if raw is None or has_receipt(statements, ledger, promotion, stage, phase):
        return ()
    assessed = decode(c.Assessed, raw)
    return () if assessed.passed else assessed.because
