"""Bring production back to a version that is known to be good: seconds where it is warm, a deployment where it is cold.

There is no second analysis, and nothing is asked of people: the one who orders it has decided. What cannot be done ends
with the reason, and leaves the traffic as it is. A rehearsal tries the same way, and puts everything back whatever
was found.
"""

from collections.abc import Callable
from functools import partial

from orchestrators.waiting import call_through_outages
from shared import contracts as c
from shared.domain.failures import Refused
from shared.durable.context import Context, Steps, pause
from shared.durable.failures import StepFailed

_FIRST_LOOK_S, _LONGEST_LOOK_S = 1.0, 30.0


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
        deploy = partial(call_through_outages, ctx, c.DEPLOY_TARGET, step("deployed"))
        yield from _until_done(ctx, course, "deploying", deploy)
    ctx.show("trying", deployment=course.deployment)
    yield from call_through_outages(ctx, c.TRY_TARGET, step("tried"))
    shift = partial(call_through_outages, ctx, c.SHIFT_BACK, step("shifted"))
    yield from _until_done(ctx, course, "shifting back", shift)


def _until_done(ctx: Context, course: c.RollbackCourse, what: str, ask: Callable[[], Steps[c.Moved]]) -> Steps[None]:
    """Ask again, with durable timers between, while Azure is at work. Raises Refused after *course*'s time."""
    elapsed_s, delay = 0.0, _FIRST_LOOK_S
    while (progress := (yield from ask())).waiting:
        ctx.show(what, waiting=progress.waiting)
        if elapsed_s >= course.within_s:
            raise Refused(f"{what} was not done after {course.within_s} s ({progress.waiting})")
        yield from pause(ctx, delay)
        elapsed_s, delay = elapsed_s + delay, min(_LONGEST_LOOK_S, delay * 1.5)


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
    close = partial(call_through_outages, ctx, c.CLOSE_REHEARSAL, closing)
    yield from _until_done(ctx, course.way, "putting back", close)
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
        assert way.target is not None  # A cold way without a version is refused when it is opened.
        ctx.show("recovering", model=str(way.target), environment=way.environment)
        recovery = c.Recovery(
            key=f"{key}/recovered",
            model=way.target,
            environment=way.environment,
            asked_by=request.by,
            reason=request.reason,
        )
        yield from call_through_outages(ctx, c.RECOVER_ENTRY, recovery)
        deploy = partial(call_through_outages, ctx, c.DEPLOY_REHEARSED, step("deployed"))
        yield from _until_done(ctx, way, "deploying", deploy)
    else:
        switch = partial(call_through_outages, ctx, c.SWITCH_REHEARSED, step("switched"))
        yield from _until_done(ctx, way, "switching", switch)
    ctx.show("trying", deployment=way.deployment)
    return (yield from call_through_outages(ctx, c.TRY_REHEARSED, step("tried")))
