"""Bring production back to a version that is known to be good: seconds where it is warm, a deployment where it is cold.

There is no second analysis, and nothing is asked of people: the one who orders it has decided. What cannot be done ends
with the reason, and leaves the traffic as it is.
"""

from functools import partial

from orchestrators.waiting import ask_until_done, call_through_outages
from shared import contracts as c
from shared.domain.failures import Refused
from shared.durable.context import Context, Steps
from shared.durable.failures import StepFailed

_LONGEST_PAUSE_S = 30.0  # Callers wait for it.


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
        assert course.target is not None
        ctx.show("recovering", model=str(course.target), environment=course.environment)
        recovery = c.Recovery(
            key=f"rollbacks/{request.id}/recovered",
            model=course.target,
            environment=course.environment,
            asked_by=request.by,
            reason=request.reason,
        )
        yield from call_through_outages(ctx, c.RECOVER_ENTRY, recovery)
        yield from _until_done(ctx, "deploying", c.DEPLOY_TARGET, step("deployed"))
    ctx.show("trying", deployment=course.deployment)
    yield from call_through_outages(ctx, c.TRY_TARGET, step("tried"))
    yield from _until_done(ctx, "shifting back", c.SHIFT_BACK, step("shifted"))


def _until_done(
    ctx: Context, name: str, activity: c.Activity[c.RollbackStep, c.Moved], step: c.RollbackStep
) -> Steps[None]:
    def ask() -> Steps[c.Moved]:
        progress = yield from call_through_outages(ctx, activity, step)
        if progress.waiting:
            ctx.show(name, waiting=progress.waiting)
        return progress

    return ask_until_done(ctx, ask, name, step.course.within_s, _LONGEST_PAUSE_S)


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
