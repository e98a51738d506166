"""Watch the steps of a rollout, and bring production back to a version that is known to be good.

A step's watch changes no traffic. A rollback takes seconds where its target is warm, and a deployment where it is cold.
There is no second analysis, and nothing is asked of people: the one who orders it has decided. What cannot be done ends
with the reason, and leaves the traffic as it is. A rehearsal tries the same way, and puts everything back whatever
was found.
"""

from dataclasses import replace
from functools import partial
from typing import TypeVar

from orchestrators.waiting import ask_until_done, call_through_outages
from shared import contracts as c
from shared.domain.failures import Refused
from shared.domain.rollout.steps import StepDecision
from shared.durable.context import Context, Steps, start_over, wait_for
from shared.durable.failures import StepFailed

_LOOKS_PER_SEGMENT = 50
_LONGEST_PAUSE_S = 30.0  # Callers wait for it.
_Order = TypeVar("_Order", c.RollbackStep, c.RehearsalStep, c.RehearsalClosing)


def watch_step(ctx: Context, step: c.RolloutStep) -> Steps[c.LookTaken | None]:
    """The look that ended the step. An order of a person wakes it: what was ordered is a record.

    A rollout lasts days. So each step is a child of its promotion, and starts over after some looks: its history stays
    short, and so does that of the promotion.
    """
    for looks in range(step.looks, step.looks + _LOOKS_PER_SEGMENT):
        look = yield from call_through_outages(ctx, c.TAKE_LOOK, replace(step, looks=looks))
        if look.decision is not StepDecision.WAIT:
            return look
        ctx.show("watching", stage=step.stage, number=step.step, looks=looks + 1, because=look.because)
        yield from wait_for(ctx, c.ROLLOUT_ORDERED, look.wait_s)
    start_over(ctx, replace(step, looks=step.looks + _LOOKS_PER_SEGMENT))
    return None


def roll_back(ctx: Context, request: c.RollbackRequest) -> Steps[c.RollbackResult]:
    """Order, try the target, give it the traffic, and close. An error closes it too."""
    ctx.show("ordering", model=request.name, stage=request.stage)
    opening = c.RollbackOpening(key=f"rollbacks/{request.id}/opened", rollback=request)
    course = yield from call_through_outages(ctx, c.OPEN_ROLLBACK, opening)
    if course.target is None:
        return (yield from _close(ctx, request, course, False, course.because))
    try:
        yield from _bring_back(ctx, request, course)
    except (Refused, StepFailed) as failure:
        return (yield from _close(ctx, request, course, False, str(failure)[:500]))
    because = f"{course.target} serves {course.environment}/{course.endpoint} again instead of {course.left}"
    return (yield from _close(ctx, request, course, True, because))


def _bring_back(ctx: Context, request: c.RollbackRequest, course: c.RollbackCourse) -> Steps[None]:
    step = partial(_step, request, course)
    if not course.warm:
        yield from _recover(ctx, f"rollbacks/{request.id}/recovered", course, request)
        yield from _until_done(ctx, course.within_s, "deploying", c.DEPLOY_TARGET, step("deployed"))
    ctx.show("trying", deployment=course.deployment)
    yield from call_through_outages(ctx, c.TRY_TARGET, step("tried"))
    yield from _until_done(ctx, course.within_s, "shifting back", c.SHIFT_BACK, step("shifted"))


def _recover(
    ctx: Context, key: str, way: c.RollbackCourse, request: c.RollbackRequest | c.RehearsalRequest
) -> Steps[None]:
    """Bring the target's entry of the registry back into its environment."""
    assert way.target is not None  # A cold way without a version is refused when it is opened.
    ctx.show("recovering", model=str(way.target), environment=way.environment)
    recovery = c.Recovery(
        key=key, model=way.target, environment=way.environment, asked_by=request.by, reason=request.reason
    )
    yield from call_through_outages(ctx, c.RECOVER_ENTRY, recovery)


def _until_done(
    ctx: Context, within_s: float, name: str, activity: c.Activity[_Order, c.Moved], order: _Order
) -> Steps[None]:
    """Ask again, with durable timers between, while Azure is at work. Raises Refused after *within_s*."""

    def ask() -> Steps[c.Moved]:
        progress = yield from call_through_outages(ctx, activity, order)
        if progress.waiting:
            ctx.show(name, waiting=progress.waiting)
        return progress

    return ask_until_done(ctx, ask, name, within_s, _LONGEST_PAUSE_S)


def _step(request: c.RollbackRequest, course: c.RollbackCourse, name: str) -> c.RollbackStep:
    return c.RollbackStep(key=f"rollbacks/{request.id}/{name}", rollback=request, course=course)


def _close(
    ctx: Context, request: c.RollbackRequest, course: c.RollbackCourse, done: bool, because: str
) -> Steps[c.RollbackResult]:
    closing = c.RollbackClosing(
        key=f"rollbacks/{request.id}/closed", rollback=request, course=course, done=done, because=because
    )
    yield from call_through_outages(ctx, c.CLOSE_ROLLBACK, closing)
    ctx.show("done", done=done, because=because)
    return c.RollbackResult(id=request.id, done=done, to=str(course.target or ""), because=because)


def rehearse(ctx: Context, request: c.RehearsalRequest) -> Steps[c.RehearsalResult]:
    """Order, try, and close. An error closes it too; where even that fails, the sweep puts everything back."""
    ctx.show("ordering", model=request.name, stage=request.stage)
    key = f"rehearsals-asked/{request.id}"
    opening = c.RehearsalOpening(key=f"{key}/opened", rehearsal=request)
    course = yield from call_through_outages(ctx, c.OPEN_REHEARSAL, opening)
    outcome = c.Rehearsed(restored=False, because=course.way.because)
    if not course.way.because:
        try:
            outcome = yield from _try_back(ctx, request, course, key)
        except (Refused, StepFailed) as failure:
            outcome = c.Rehearsed(restored=False, because=str(failure)[:500])
    closing = c.RehearsalClosing(key=f"{key}/closed", rehearsal=request, course=course, outcome=outcome)
    yield from _until_done(ctx, course.way.within_s, "putting back", c.CLOSE_REHEARSAL, closing)
    ctx.show("done", restored=outcome.restored, because=outcome.because)
    return c.RehearsalResult(
        id=request.id,
        restored=outcome.restored,
        because=outcome.because,
        seconds=outcome.seconds,
        deployed_s=outcome.deployed_s,
    )


def _try_back(ctx: Context, request: c.RehearsalRequest, course: c.RehearsalCourse, key: str) -> Steps[c.Rehearsed]:
    def step(name: str) -> c.RehearsalStep:
        return c.RehearsalStep(key=f"{key}/{name}", rehearsal=request, course=course)

    way = course.way
    if request.cold:
        yield from _recover(ctx, f"{key}/recovered", way, request)
        yield from _until_done(ctx, way.within_s, "deploying", c.DEPLOY_REHEARSED, step("deployed"))
    else:
        yield from _until_done(ctx, way.within_s, "switching", c.SWITCH_REHEARSED, step("switched"))
    ctx.show("trying", deployment=way.deployment)
    return (yield from call_through_outages(ctx, c.TRY_REHEARSED, step("tried")))
