"""What a promotion still needs, and who can meet it: of a plan, and of one under way. It reads, and writes nothing."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from shared import contracts as c
from shared.application.promotion.stage_entry import Proofs, unproven
from shared.application.promotion.standing import (
    askers_of,
    asking,
    consents,
    has_receipt,
    judgement,
    opened,
    pack_of,
    question,
)
from shared.application.promotion.turns import holder_of, queue_of
from shared.codec import decode
from shared.domain import identity
from shared.domain.gates import GateOutcome, judge
from shared.domain.gates.evidence import Evidence
from shared.domain.promotion.approvals import ApprovalStanding, Role, who_can
from shared.domain.promotion.ladder import Promotable
from shared.domain.promotion.models import DIGEST
from shared.domain.promotion.plans import Phase, Plan, StagePlan
from shared.ports import Models

_ON_HOLDOUT = frozenset({"data_tests_passed", "better_than_champion", "outputs_agree"})  # Gates, by name.


class World(Proofs, Protocol):
    """What is looked at."""

    @property
    def models(self) -> Models: ...


def unmet_of_plan(world: World, plan: Plan) -> list[str]:
    """Every condition that is not met now: other contents in the way, promotions, gates, and people."""
    skipped = unproven(world, plan, plan.stages[0])
    said = [*([skipped] if skipped else []), *_conflicts(world, plan), *_without_holdout(world, plan)]
    said += [*_held_up(world, plan.locks(), "")]
    for at in plan.stages:
        for phase in Phase:
            said += [f"{at.stage.name} ({phase.value}): {each}" for each in _gates(world, at, phase)]
        said += [f"{at.stage.name}: {role.name}: nobody has approved; {who_can(role)}" for role in _asked(at)]
    return said


def unmet_now(world: World, request: c.Promotion) -> list[str]:
    """What a promotion under way waits for."""
    found = opened(world, request.id)
    if found is None or found.plan is None:
        return [found.because if found else "it is being planned; look again"]
    plan = found.plan
    at = asking(world, request, plan)
    pack = pack_of(world, request.id, at.stage.name) if at else None
    if at is None or pack is None:
        glass = _glass(world, request, plan)
        return [*_held_up(world, found.held, request.id), *glass] or ["nobody is waited for: it is at work"]
    order = question(request, plan, found.plan_digest, at.stage.name, pack.digest)
    judged = judgement(world, order)
    return [] if judged.standing is ApprovalStanding.APPROVED else [f"{at.stage.name}: {each}" for each in judged.unmet]


def unmet_at_end(model: Promotable | None, because: Iterable[str]) -> list[str]:
    """Why it went no further; what a gate says can be met by another version only."""
    who = (model.owner if model else "") or "whoever trains the model"
    gates = tuple(f" ({phase.value}): " for phase in Phase)
    remedy = f"; it can be met by {who}, with a new version"
    return [each + remedy * any(gate in each for gate in gates) for each in because]


def _conflicts(world: World, plan: Plan) -> Iterator[str]:
    """The same version with another content, where the plan wants to write."""
    for at in plan.stages:
        place = at.stage.environment or at.stage.registry
        there = world.models.find(place, plan.model) if place and at.training is None else None
        has = (there.tags.get(DIGEST) or there.properties.get(DIGEST) or "an unknown digest") if there else plan.digest
        if has != plan.digest:
            who = plan.promotable.owner or "whoever trains the model"
            yield f"{at.stage.name}: {plan.model} is there with {has}; it can be met by {who}, with a new version"


def _without_holdout(world: World, plan: Plan) -> Iterator[str]:
    """The hold-out's files that are not in the hub, where a gate of the plan measures on them."""
    gates = {gate.gate for at in plan.stages for phase in Phase for gate in at.gates(phase)}
    holdout = plan.promotable.holdout
    for path in filter(None, (holdout.path, holdout.answers)) if gates & _ON_HOLDOUT else ():
        container, _, name = path.partition("/")
        if world.hub.find(container, name) is None:
            who = plan.promotable.owner or "whoever trains the model"
            yield f"hold-out {path} is not in the hub, so nothing is measured; it can be met by {who}, with that file"


def _held_up(world: World, locks: Iterable[str], own: str) -> Iterator[str]:
    """Promotions that come first: the one that holds a lock, and those before the own one in its queue."""
    for lock in locks:
        owner, waiting = holder_of(world, lock), [place.promotion for place in queue_of(world, lock)]
        ahead = waiting[: waiting.index(own)] if own in waiting else waiting
        if owner and owner != own:
            yield f"{lock} is held by promotion {owner}; it can be met by those whom `explain {owner}` names"
        if ahead and owner != own and (own in waiting or not own):
            yield f"{lock}: {len(ahead)} promotions wait before it: {', '.join(ahead[:5])}"


def _gates(world: World, at: StagePlan, phase: Phase) -> Iterator[str]:
    """Those that would not pass on what is known before anything is measured: freezes speak now, others later."""
    for verdict in judge(at.gates(phase), Evidence(at=world.clock.now())):
        if verdict.outcome is not GateOutcome.PASS:
            yield f"{verdict.gate}: {verdict.because}; the promotion measures it there"


def _asked(at: StagePlan) -> tuple[Role, ...]:
    return at.stage.approvals.roles


def _glass(world: World, request: c.Promotion, plan: Plan) -> Iterator[str]:
    """Of a promotion that may wait for an override: the gates that fail, and the roles that have not spoken."""
    policy = world.configuration.ladder.break_glass.policy
    roles = policy.asked(askers_of(world, request, plan.digest))
    for at in plan.stages if request.break_glass else ():
        for phase in Phase:
            failing = failing_gates(world, request.id, at.stage.name, phase)
            given = {each.role for each in consents(world, request.id, at.stage.name, phase)}
            yield from (f"{at.stage.name} ({phase.value}): {each}" for each in failing)
            if failing:
                missing = (role for role in roles if role.name not in given)
                yield from (f"break the glass as {role.name}: {who_can(role, policy)}" for role in missing)


def failing_gates(world: World, promotion: str, stage: str, phase: Phase) -> tuple[str, ...]:
    """What keeps a phase that was assessed and has no receipt."""
    step = f"{stage}/{phase.value}"
    raw = world.ledger.find(identity.promotion_key(promotion, f"{step}/assessed"))
    if raw is None or has_receipt(world, promotion, stage, phase):
        return ()
    assessed = decode(c.Assessed, raw)
    return () if assessed.passed else assessed.because
