"""Carry one model version up the ladder, one gated stage at a time; put everything back where it goes no further.

A saga: each move has its undo, run in reverse. Gates and approvals are judged in activities, and every move asks for
the receipt that only they can issue.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from orchestrators.waiting import OUTAGE_S, ask_until_done, call_through_outages
from orchestrators.workflow import carry_to_end
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import CalledOff, Refused
from shared.domain.promotion.approvals import ApprovalStanding
from shared.domain.promotion.outlines import MoveOutline, PlanOutline, StageOutline, outline_of
from shared.domain.promotion.plans import Move, Phase
from shared.domain.promotion.receipts import Receipt
from shared.domain.rollout.steps import SHADOW, StepDecision
from shared.durable.context import Context, Steps, call, pause, run_child, wait_for
from shared.durable.failures import StepFailed

In = TypeVar("In")
Out = TypeVar("Out")
_LOCK_EVERY_S = 30.0
_REASON = 500
_CONFIRM_AGAIN_S = (5.0, 20.0, 60.0)


class PromotionHeld(Exception):
    """A gate or a person said no, or nobody said anything (*fate*): not a fault, and everything is put back.

    *worse*: the challenger is to blame.
    """

    def __init__(self, because: Sequence[str], worse: bool = False, fate: c.Fate = c.Fate.HELD) -> None:
        super().__init__("; ".join(because))
        self.because, self.worse, self.fate = tuple(because), worse, fate


@dataclass(slots=True, kw_only=True)
class Journey:
    """How far this promotion has come: what must be undone, and what approvers are shown."""

    request: c.Promotion
    outline: PlanOutline
    plan_digest: str
    locks: tuple[str, ...]
    wakes: bool  # Histories of releases that woke nobody have no such step.
    confirms: bool = False  # Nor do those of releases that did not ask Azure at the end.
    moves: list[tuple[StageOutline, MoveOutline]] = field(default_factory=list)
    evidence_records: list[str] = field(default_factory=list)
    reached: str = ""
    because: str = ""  # Why the moves are undone.
    worse: bool = False  # The challenger is to blame for it.

    def step(self, at: StageOutline, phase: Phase, name: str, evidence: str = "", number: int = 0) -> c.StageStep:
        return c.StageStep(
            key=identity.promotion_key(self.request.id, f"{at.name}/{phase.value}/{name}"),
            promotion=self.request,
            plan_digest=self.plan_digest,
            stage=at.name,
            phase=phase,
            evidence=evidence,
            number=number,
            seen=tuple(self.evidence_records),
        )

    def move(self, at: StageOutline, move: MoveOutline, receipt: Receipt | None = None, step: int = 0) -> c.MoveStep:
        part = f"/{step}" if receipt is not None and move.steps else ""  # The undo is one, of all steps together.
        return c.MoveStep(
            key=identity.promotion_key(self.request.id, f"{at.name}/{move.move.value}{part}"),
            promotion=self.request,
            plan_digest=self.plan_digest,
            stage=at.name,
            move=move.move,
            receipt=receipt,
            because=self.because,
            step=step,
        )

    def watch(self, at: StageOutline, step: int, since: datetime) -> c.RolloutStep:
        return c.RolloutStep(
            key=identity.promotion_key(self.request.id, f"{at.name}/rollout/{step}"),
            promotion=self.request,
            plan_digest=self.plan_digest,
            stage=at.name,
            step=step,
            since=since.isoformat(),
        )


def promote(ctx: Context, request: c.Promotion) -> Steps[c.PromotionResult]:
    """One promotion. Once it was opened, it ends promoted, or with everything put back.

    The second version: orders name the plan by its digest. A history of the first has the whole plan in its opening,
    from which the same outline follows; no step differs.
    """
    ctx.show("planning")
    key = identity.promotion_key(request.id, "opened")
    opening = c.PromotionOpening(key=key, execution=ctx.unique(), promotion=request)
    admission = yield from call_through_outages(ctx, c.OPEN_PROMOTION, opening)
    if admission.fate is c.Fate.DUPLICATE:
        return c.PromotionResult(id=request.id, fate=admission.fate, because=(admission.because,))
    outline = admission.course
    if outline is None:
        return (yield from _close(ctx, request, c.Fate.REFUSED, (admission.because,)))
    journey = _journey(request, outline, admission.plan_digest, admission.locks)
    journey.confirms = admission.confirms
    failed_result = partial(_failed, request)
    return (yield from carry_to_end(_climb(ctx, journey), failed_result, partial(_conclude, ctx, journey)))


def restore(ctx: Context, restoring: c.Restoring) -> Steps[c.PromotionResult]:
    """Undo a promotion: every move it may have begun, the last one first."""
    because: tuple[str, ...] = (
        restoring.because or "its orchestration was ended from outside; everything was put back",
    )
    fate, step = (c.Fate.HELD, "taken-back") if restoring.because else (c.Fate.FAILED, "closed")
    outline = outline_of(restoring.plan) if restoring.plan else restoring.outline
    if outline is not None:
        journey = _journey(restoring.promotion, outline, restoring.plan_digest, restoring.locks)
        # All moves of the plan, begun or not: the undo of a move that never began finds no record of a beginning and
        # does nothing.
        journey.moves = list(outline.moves())
        journey.because = because[0][:_REASON]
        because += yield from undo(ctx, journey)
        yield from _unlock(ctx, journey)
        because += yield from _close_changes(ctx, journey, fate, because)
    return (yield from _close(ctx, restoring.promotion, fate, because, step=step))


def _journey(request: c.Promotion, outline: PlanOutline, digest: str, locks: tuple[str, ...]) -> Journey:
    # An opening without locks is of a release that locked the endpoints, and woke nobody.
    return Journey(
        request=request, outline=outline, plan_digest=digest, locks=locks or outline.endpoints, wakes=bool(locks)
    )


def undo(ctx: Context, journey: Journey) -> Steps[tuple[str, ...]]:
    """Undo every move that was begun, in reverse, and say what could not be: it does not keep others from theirs."""
    # One deadline for all undos together. With one for each, an outage of a service would hold the locks for two days a
    # move.
    failures, until = list[str](), ctx.now + timedelta(seconds=OUTAGE_S)
    for at, move in reversed(journey.moves):
        ctx.show("undoing", stage=at.name, move=move.move.value)
        try:
            undone = partial(call_through_outages, ctx, c.UNDO_MOVE, journey.move(at, move), until)
            yield from _until_done(ctx, at, move, undone)
        except (Refused, StepFailed) as failure:
            failures.append(f"{at.name}: {move.move.value} could not be undone, mend it by hand: {str(failure)[:300]}")
            ctx.show("could not undo", stage=at.name, move=move.move.value, because=str(failure)[:300])
    journey.moves.clear()
    return tuple(failures)


def _climb(ctx: Context, journey: Journey) -> Steps[c.PromotionResult]:
    """Every stage of the plan; the result is held, with the reason, where a gate or a person stops it."""
    request = journey.request
    try:
        yield from _lock(ctx, journey)
        for at in journey.outline.stages:
            yield from _carry(ctx, journey, at)
            journey.reached = at.name
        missing = yield from _confirm(ctx, journey)
    except PromotionHeld as refusal:
        journey.worse = refusal.worse
        return c.PromotionResult(id=request.id, fate=refusal.fate, because=refusal.because)
    except CalledOff as order:
        return c.PromotionResult(id=request.id, fate=c.Fate.HELD, because=(str(order),))
    if missing:
        return _failed(request, f"what was made is not there: {'; '.join(missing)}")
    because = f"{journey.outline.model} reached {journey.reached}"
    return c.PromotionResult(id=request.id, fate=c.Fate.PROMOTED, because=(because,), reached=journey.reached)


def _confirm(ctx: Context, journey: Journey) -> Steps[tuple[str, ...]]:
    """What the moves have made and Azure does not show. A change may show late, so it is looked for several times."""
    missing: tuple[str, ...] = ()
    look = c.EffectsLook(promotion=journey.request, plan_digest=journey.plan_digest)
    for delay in (*_CONFIRM_AGAIN_S, None) if journey.confirms else ():
        ctx.show("confirming", reached=journey.reached)
        missing = (yield from call_through_outages(ctx, c.CONFIRM_EFFECTS, look)).missing
        if not missing or delay is None:
            break
        yield from pause(ctx, delay)
    return missing


def _failed(request: c.Promotion, reason: str) -> c.PromotionResult:
    return c.PromotionResult(id=request.id, fate=c.Fate.FAILED, because=(reason,))


def _conclude(ctx: Context, journey: Journey, result: c.PromotionResult) -> Steps[c.PromotionResult]:
    """Put everything back unless it was promoted, give the locks back, and close the record."""
    because = result.because
    if result.fate is not c.Fate.PROMOTED:
        journey.because = "; ".join(because)[:_REASON]
        because += yield from undo(ctx, journey)
    # The locks come back before the record is closed: closing sets the flag for the next stage, and the promotion that
    # this flag starts must not find its model taken.
    yield from _unlock(ctx, journey)
    because += yield from _close_changes(ctx, journey, result.fate, because)
    return (yield from _close(ctx, journey.request, result.fate, because, result.reached, journey.worse))


def _carry(ctx: Context, journey: Journey, at: StageOutline) -> Steps[None]:
    """Each phase: assess, show people, wait for them, and move with the receipt."""
    for phase in Phase:
        pack = yield from _assess(ctx, journey, at, phase)
        if phase is Phase.ENTRY and at.asks_people:
            yield from _await_approvals(ctx, journey, at, pack)
        if phase is Phase.ENTRY and at.asks_change:
            yield from _await_change(ctx, journey, at, pack)
        receipt = yield from _step(ctx, at, c.ISSUE_RECEIPT, journey.step(at, phase, "receipt", pack.digest))
        for move in (move for move in at.moves if move.phase is phase):
            if move.steps:
                receipt = yield from _shift(ctx, journey, at, move, receipt)
                continue
            yield from _move(ctx, journey, at, move, receipt)
            if move.move is Move.MIRROR_TRAFFIC:
                look = yield from _watch(ctx, journey, at, SHADOW)
                receipt = yield from _receipt_over(ctx, journey, at, look, SHADOW)


def _shift(ctx: Context, journey: Journey, at: StageOutline, move: MoveOutline, receipt: Receipt) -> Steps[Receipt]:
    """Shift the traffic step by step, each by a receipt over what was seen of the one before; then soak.

    The receipt over the soak opens what comes after it.
    """
    _begin(journey, at, move)
    for step in range(move.steps + 1):
        if step < move.steps:
            ctx.show("shifting traffic", stage=at.name, number=step)
            order = journey.move(at, move, receipt, step)
            yield from _until_done(ctx, at, move, partial(_step, ctx, at, c.MAKE_MOVE, order))
        look = yield from _watch(ctx, journey, at, step)
        receipt = yield from _receipt_over(ctx, journey, at, look, step + 1)
    return receipt


def _receipt_over(ctx: Context, journey: Journey, at: StageOutline, look: c.LookTaken, number: int) -> Steps[Receipt]:
    """The receipt over the step that *look* ended, which opens step *number*; SHADOW asks for the one over the copies,
    which opens the first."""
    judged = journey.step(at, Phase.EXIT, f"receipt/{max(number, 0)}", look.evidence, number)
    return _step(ctx, at, c.ISSUE_RECEIPT, judged)


def _watch(ctx: Context, journey: Journey, at: StageOutline, step: int) -> Steps[c.LookTaken]:
    """The look that lets the rollout go on. Raises PromotionHeld for any other end of the step."""
    # A child with an id of its own, which follows from promotion, stage and step: the door that takes people's orders
    # works out the same id to wake it.
    watch, instance = journey.watch(at, step, ctx.now), identity.rollout_step_id(journey.request.id, at.name, step)
    look = yield from run_child(ctx, c.WATCH_STEP, watch, instance)
    if look.decision is not StepDecision.ADVANCE:
        raise PromotionHeld([f"{at.name}: {look.because}"], look.worse)
    return look


def _assess(ctx: Context, journey: Journey, at: StageOutline, phase: Phase) -> Steps[c.EvidencePack]:
    ctx.show("assessing", stage=at.name, phase=phase.value)
    assessment = yield from _step(ctx, at, c.ASSESS_STAGE, journey.step(at, phase, "assessed"))
    journey.evidence_records.append(assessment.record)
    pack = yield from _step(ctx, at, c.WRITE_EVIDENCE_PACK, journey.step(at, phase, "pack"))
    if not assessment.passed:
        refusal = PromotionHeld(
            [f"{at.name} ({phase.value}): {reason}" for reason in assessment.because], assessment.worse
        )
        # Without that request nobody can override: a promotion that fails its gates ends at once, and does not hold its
        # locks while it hopes for an override.
        if not journey.request.break_glass:
            raise refusal
        yield from _await_glass(ctx, journey.step(at, phase, "glass", pack.digest), refusal)
    return pack


def _await_glass(ctx: Context, order: c.StageStep, refusal: PromotionHeld) -> Steps[None]:
    """Until those who may have overridden the failing gates together; otherwise the gates stand."""
    while True:
        overrides = yield from call_through_outages(ctx, c.LOOK_AT_GLASS, order)
        if overrides.standing is ApprovalStanding.APPROVED:
            return
        if overrides.standing is not ApprovalStanding.WAITING:
            raise PromotionHeld(
                [*refusal.because, *(f"{order.stage}: {condition}" for condition in overrides.unmet)], refusal.worse
            )
        ctx.show("waiting for the glass to be broken", stage=order.stage, evidence=order.evidence)
        yield from wait_for(ctx, c.DECISION_GIVEN, overrides.look_again_s)


def _await_approvals(ctx: Context, journey: Journey, at: StageOutline, pack: c.EvidencePack) -> Steps[None]:
    """Until everybody has approved this very evidence; a rejection, or silence until expiry, is a no."""
    reminders = 0
    while True:
        look = journey.step(at, Phase.ENTRY, "approvals", pack.digest)
        approvals = yield from call_through_outages(ctx, c.LOOK_AT_APPROVALS, look)
        if approvals.standing is ApprovalStanding.APPROVED:
            return
        if approvals.standing is not ApprovalStanding.WAITING:
            fate = c.Fate.EXPIRED if approvals.standing is ApprovalStanding.EXPIRED else c.Fate.HELD
            raise PromotionHeld([f"{at.name}: {condition}" for condition in approvals.unmet], fate=fate)
        ctx.show("waiting for approval", stage=at.name, evidence=pack.digest, unmet=list(approvals.unmet))
        while reminders < approvals.reminders_due:
            reminders += 1
            reminder = journey.step(at, Phase.ENTRY, f"reminder-{reminders}", pack.digest, reminders)
            yield from _step(ctx, at, c.REMIND_APPROVERS, reminder)
        # The event carries no decision. Decisions are signed records, read again after each wake, so that a forged or
        # lost event neither approves nor hides anything.
        yield from wait_for(ctx, c.DECISION_GIVEN, approvals.look_again_s)


def _await_change(ctx: Context, journey: Journey, at: StageOutline, pack: c.EvidencePack) -> Steps[None]:
    """Open the change request about this very evidence, and wait until it is approved; silence is a no."""
    order = journey.step(at, Phase.ENTRY, "change", pack.digest)
    change = yield from _step(ctx, at, c.OPEN_STAGE_CHANGE, order)
    while True:
        answer = yield from call_through_outages(ctx, c.LOOK_AT_STAGE_CHANGE, order)
        if answer.standing is ApprovalStanding.APPROVED:
            return
        if answer.standing is not ApprovalStanding.WAITING:
            fate = c.Fate.EXPIRED if answer.standing is ApprovalStanding.EXPIRED else c.Fate.HELD
            raise PromotionHeld([f"{at.name}: {condition}" for condition in answer.unmet], fate=fate)
        ctx.show("waiting for the change", stage=at.name, change=change.number, evidence=pack.digest)
        yield from wait_for(ctx, c.DECISION_GIVEN, answer.look_again_s)


def _close_changes(ctx: Context, journey: Journey, fate: c.Fate, because: Sequence[str]) -> Steps[tuple[str, ...]]:
    """Close what the stages may have opened in ServiceNow, and say what could not be: it changes no outcome."""
    failures = list[str]()
    for at in (at for at in journey.outline.stages if at.asks_change):
        closing = c.StageChangeClosing(
            key=identity.promotion_key(journey.request.id, f"{at.name}/entry/change-closed"),
            promotion=journey.request,
            plan_digest=journey.plan_digest,
            stage=at.name,
            fate=fate,
            because="; ".join(because)[:_REASON],
        )
        try:
            yield from _step(ctx, at, c.CLOSE_STAGE_CHANGE, closing)
        except (Refused, StepFailed) as failure:
            failures.append(f"{at.name}: the change could not be closed, close it by hand: {str(failure)[:300]}")
    return tuple(failures)


def _move(ctx: Context, journey: Journey, at: StageOutline, move: MoveOutline, receipt: Receipt) -> Steps[None]:
    """Begun before it is made: a move that fails half way is undone too."""
    ctx.show("moving", stage=at.name, move=move.move.value)
    _begin(journey, at, move)
    yield from _until_done(ctx, at, move, partial(_step, ctx, at, c.MAKE_MOVE, journey.move(at, move, receipt)))


def _begin(journey: Journey, at: StageOutline, move: MoveOutline) -> None:
    # Noted before it is made, not after: of a move whose answer was lost nobody knows whether it happened, and an undo
    # of a move that never happened does nothing.
    journey.moves.append((at, move))


def _step(ctx: Context, at: StageOutline, activity: c.Activity[In, Out], order: In) -> Steps[Out]:
    """An outage on the way is waited for as long as a deployment of the stage."""
    until = ctx.now + timedelta(seconds=at.ready_within_s)
    return call_through_outages(ctx, activity, order, until)


def _until_done(ctx: Context, at: StageOutline, move: MoveOutline, ask: Callable[[], Steps[c.Moved]]) -> Steps[None]:
    return ask_until_done(ctx, ask, f"{at.name}: {move.move.value}", move.within_s)


def _lock(ctx: Context, journey: Journey) -> Steps[None]:
    """Take the endpoints' locks, so that only one promotion at a time changes an endpoint.

    All promotions take them in the same order, so that two can never wait for each other (a cycle of waits needs two
    orders; Coffman 1971).
    """
    for lock in _locks(journey):
        while not (lock_state := (yield from call_through_outages(ctx, c.LOCK_ENDPOINT, lock))).held:
            ctx.show("waiting for the endpoint", endpoint=lock.endpoint, held_by=lock_state.by, ahead=lock_state.ahead)
            if lock_state.look_again_s:
                yield from wait_for(ctx, c.TURN_COME, lock_state.look_again_s)
            else:
                yield from pause(ctx, _LOCK_EVERY_S)  # As it was recorded before promotions were woken.


def _unlock(ctx: Context, journey: Journey) -> Steps[None]:
    for lock in _locks(journey):
        yield from call_through_outages(ctx, c.UNLOCK_ENDPOINT, lock)
    if not journey.wakes:
        return
    freed_locks = c.LocksFreed(key=identity.promotion_key(journey.request.id, "freed"), locks=journey.locks)
    try:
        yield from call(ctx, c.WAKE_WAITING, freed_locks)
    except StepFailed as failure:  # Who waits looks by themselves.
        ctx.show("could not wake who waits", because=str(failure)[:300])


def _locks(journey: Journey) -> list[c.EndpointLock]:
    request = journey.request
    key = identity.promotion_key(request.id, "lock")
    return [
        c.EndpointLock(key=f"{key}/{name}", endpoint=name, owner=request.id, model=request.model.name)
        for name in journey.locks
    ]


def _close(
    ctx: Context,
    request: c.Promotion,
    fate: c.Fate,
    because: Sequence[str],
    reached: str = "",
    worse: bool = False,
    step: str = "closed",
) -> Steps[c.PromotionResult]:
    closing = c.PromotionClosing(
        key=identity.promotion_key(request.id, step),
        promotion=request,
        fate=fate,
        because=tuple(because),
        reached=reached,
        worse=worse,
    )
    yield from call_through_outages(ctx, c.CLOSE_PROMOTION, closing)
    ctx.show("done", fate=fate.value, because=list(because)[:5])
    return c.PromotionResult(id=request.id, fate=fate, because=tuple(because), reached=reached)
