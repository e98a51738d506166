"""Whom promotions wait for: by role, since when, and until when. It reads, and writes nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import contracts as c
from shared.application.promotion.standing import asked_since, asking, consents, judgement, opened, pack_of, question
from shared.application.promotion.unmet_needs import World, failing_gates
from shared.codec import decode
from shared.domain.promotion.approvals import ApprovalPolicy, ApprovalStanding, Judgement, Role
from shared.domain.promotion.plans import Phase
from shared.records import paths as records


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """*role* has not spoken on *stage*; *evidence* is the digest of what it must look at. *glass*: to break it.

    *since* and *until* are None where nobody was asked yet.
    """

    stage: str
    phase: Phase
    role: Role
    evidence: str
    since: datetime | None
    until: datetime | None
    glass: bool = False


def open_promotions(world: World) -> Iterator[c.Promotion]:
    """What was asked for by every promotion that has not ended."""
    state = world.configuration.hub.state
    for blob in world.hub.list(state, records.OPEN_PROMOTIONS):
        raw = world.hub.read(state, blob.path)
        if raw is not None:  # Otherwise it has ended meanwhile.
            yield decode(c.Promotion, json.loads(raw))


def waited_for(world: World, request: c.Promotion) -> Iterator[Waited]:
    """Nothing where the promotion waits for nobody."""
    found = opened(world, request.id)
    if found is None or found.plan is None:
        return
    at = asking(world, request, found.plan)
    pack = pack_of(world, request.id, at.stage.name) if at else None
    if at is None or pack is None:
        yield from _glass(world, request, found.plan, found.plan_digest)
        return
    order = question(request, found.plan, found.plan_digest, at.stage.name, pack.digest)
    policy, since = at.stage.approvals, asked_since(world, order)
    judged = judgement(world, order) if since else Judgement(standing=ApprovalStanding.WAITING)
    if judged.standing is ApprovalStanding.WAITING:
        yield from _missing(order, policy, {each.role for each in judged.approvals}, since, policy.expire_after_s)


def _glass(world: World, request: c.Promotion, plan: c.Plan, digest: str) -> Iterator[Waited]:
    """Those who may override the gates that keep a promotion which may wait for it."""
    glass = world.configuration.ladder.break_glass
    for at in plan.stages if request.break_glass else ():
        for phase in Phase:
            pack = pack_of(world, request.id, at.stage.name, phase)
            if pack is None or not failing_gates(world, request.id, at.stage.name, phase):
                continue
            order = replace(question(request, plan, digest, at.stage.name, pack.digest), phase=phase)
            given = {each.role for each in consents(world, request.id, at.stage.name, phase)}
            for waited in _missing(order, glass.policy, given, asked_since(world, order), glass.longest_s):
                yield replace(waited, glass=True)


def _missing(
    order: c.StageOrder, policy: ApprovalPolicy, given: set[str], since: datetime | None, within_s: int
) -> Iterator[Waited]:
    for role in policy.roles:
        if role.name not in given:
            yield Waited(
                stage=order.stage,
                phase=order.phase,
                role=role,
                evidence=order.evidence,
                since=since,
                until=since + timedelta(seconds=within_s) if since else None,
            )
