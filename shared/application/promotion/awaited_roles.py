"""Whom promotions wait for: by role, since when, and until when. It reads, and writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared import contracts as c
from shared.application.promotion.standing import (
    asked_since,
    askers_of,
    consents,
    judgement,
    pack_of,
    question,
    question_now,
)
from shared.application.promotion.stored_plans import unverified_opening
from shared.application.promotion.unmet_needs import failing_gates
from shared.domain.promotion.approvals import ApprovalPolicy, ApprovalStanding, Judgement, Person, Role, who_can
from shared.domain.promotion.delegations import Delegation, named_speakers
from shared.domain.promotion.ladder import BreakGlass
from shared.domain.promotion.people import Askers, same_person
from shared.domain.promotion.plans import Phase
from shared.ports import Ledger
from shared.records.promotion import delegation_at
from shared.records.statements import Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """*role* has not spoken on *stage*; *evidence* is the digest of what it must look at. *glass*: to break it.

    *who* says in words who can meet it. *since* and *until* are None where nobody was asked yet. *speakers* are the
    roles whose holders may speak, and *askers* asked for it and may not. *delegation*: one of them has left it to
    another; *named* are the people to whom it could be left.
    """

    stage: str
    phase: Phase
    role: Role
    who: str
    evidence: str
    since: datetime | None
    until: datetime | None
    glass: bool = False
    speakers: tuple[Role, ...] = ()
    askers: Askers = field(default_factory=Askers)
    delegation: Delegation | None = None
    named: tuple[str, ...] = ()

    def waits_for(self, person: Person) -> bool:
        """Whether *person* may speak for the role: nobody decides on what they asked for, or have left to another."""
        holds = any(person.fills(speaker_role) for speaker_role in self.speakers)
        if self.delegation is not None and same_person(self.delegation.by, person):
            return False
        return holds and not self.askers.include(person, person.name)


def waited_for(
    statements: Statements, ledger: Ledger, glass: BreakGlass, request: c.Promotion, now: datetime
) -> Iterator[Waited]:
    """Nothing where the promotion waits for nobody."""
    # Unverified is enough for a list. The door reads the signed plan before it takes a decision.
    opening = unverified_opening(ledger, request.id)
    if opening is None or opening.plan is None:
        return
    order = question_now(statements, ledger, request, opening)
    if order is None:
        yield from _glass(statements, ledger, glass, request, opening.plan, opening.plan_digest)
        return
    policy, since = order.at.stage.approvals, asked_since(ledger, order)
    judgement_now = judgement(statements, ledger, order, now) if since else Judgement(standing=ApprovalStanding.WAITING)
    if judgement_now.standing is ApprovalStanding.WAITING:
        speakers = {approval.role for approval in judgement_now.approvals}
        askers = askers_of(statements.store, request, order.plan.digest)
        for waited in _missing(order, policy, askers, speakers, since, policy.expire_after_s):
            delegation = delegation_at(statements, request.id, order.stage, waited.role.name, order.evidence)
            yield replace(waited, delegation=delegation, named=named_speakers(policy, waited.role, askers))


def _glass(
    statements: Statements, ledger: Ledger, glass: BreakGlass, request: c.Promotion, plan: c.Plan, digest: str
) -> Iterator[Waited]:
    """Those who may override the gates that keep a promotion which may wait for it."""
    askers = askers_of(statements.store, request, plan.digest)
    for at in plan.stages if request.break_glass else ():
        for phase in Phase:
            pack = pack_of(ledger, request.id, at.stage.name, phase)
            if pack is None or not failing_gates(statements, ledger, request.id, at.stage.name, phase):
                continue
            order = replace(question(request, plan, digest, at.stage.name, pack.digest), phase=phase)
            speakers = {approval.role for approval in consents(statements, request.id, at.stage.name, phase)}
            since = asked_since(ledger, order)
            for waited in _missing(order, glass.policy, askers, speakers, since, glass.longest_s):
                yield replace(waited, glass=True)


def _missing(
    order: c.StageOrder,
    policy: ApprovalPolicy,
    askers: Askers,
    speakers: set[str],
    since: datetime | None,
    within_s: int,
) -> Iterator[Waited]:
    """The roles that must approve what *askers* asked for, the witness among them, less those in *speakers*."""
    for role in policy.asked(askers):
        if role.name not in speakers:
            yield Waited(
                stage=order.stage,
                phase=order.phase,
                role=role,
                who=who_can(role, policy),
                evidence=order.evidence,
                since=since,
                until=since + timedelta(seconds=within_s) if since else None,
                speakers=policy.speakers(role),
                askers=askers,
            )
