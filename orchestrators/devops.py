"""Follow a waiting task of a pipeline: start its order, report progress to it, and release it once.

No agent waits during that time, and nothing here knows the token of the task. If Azure DevOps is away, throttles or
refuses, every step here waits with growing pauses and tries again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from orchestrators.waiting import pause_after_failure
from shared import contracts as c
from shared.domain import identity
from shared.domain.devops.tasks import FAILURES, LOOKS_PER_SEGMENT, look_delay_s
from shared.domain.failures import Refused
from shared.durable.context import Context, Steps, call, start_over, wait_for
from shared.durable.failures import StepFailed

Out = TypeVar("Out")


def follow_task(ctx: Context, following: c.TaskFollowing) -> Steps[c.TaskEnded | None]:
    """Follow a task until it is released. A plan that Azure DevOps does not confirm gets no message."""
    if following.begun is None:
        ctx.show("asking Azure DevOps for the plan")
        try:
            start, failures = yield from look_until(ctx, following, lambda _: _begin(ctx, following), (StepFailed,))
        except Refused as refusal:
            ctx.show("refused", because=str(refusal)[:300])
            return c.TaskEnded(succeeded=False, because=str(refusal))
        if start is None:
            start_over(ctx, later(following, failures))
            return None
        following = replace(following, begun=start, failed=0)
    end, failures = yield from look_until(ctx, following, lambda number: _report(ctx, following, number))
    if end is None:
        start_over(ctx, later(following, failures))
    return end


def mirror(ctx: Context, mirroring: c.Mirroring) -> Steps[c.Mirrored | None]:
    """Copy decisions between both systems until the promotion has ended."""
    end, failures = yield from look_until(ctx, mirroring, lambda _: _mirror_once(ctx, mirroring))
    if end is None:
        start_over(ctx, later(mirroring, failures))
    return end


def heed(ctx: Context, hinting: c.Hinting) -> Steps[c.Heeded | None]:
    """One hint of a service hook."""
    ctx.show("reading the truth again", kind=hinting.hint.kind.value, id=hinting.hint.id)
    outcome, failures = yield from look_until(ctx, hinting, lambda _: call(ctx, c.HEED_HINT, hinting), (StepFailed,))
    if outcome is None:
        start_over(ctx, later(hinting, failures))
        return None
    ctx.show("done", did=outcome.did[:300])
    return outcome


def run_devops_pipeline(ctx: Context, request: c.RunOfPipeline) -> Steps[c.DevOpsRun | None]:
    """Start the pipeline once, and follow its run to the result."""
    run, failures = yield from look_until(ctx, request, lambda _: call(ctx, c.START_DEVOPS_RUN, request), (StepFailed,))
    end: c.DevOpsRun | None = None
    if run is not None:
        end, failures = yield from look_until(ctx, request, lambda number: _look_at(ctx, request, run, number))
    if end is None:
        start_over(ctx, later(request, failures))
    return end


Looking = TypeVar("Looking", c.TaskFollowing, c.Mirroring, c.Hinting, c.RunOfPipeline, c.ChangeWaiting)


def look_until(
    ctx: Context,
    looking: c.TaskFollowing | c.Mirroring | c.Hinting | c.RunOfPipeline | c.ChangeWaiting,
    look: Callable[[int], Steps[Out | None]],
    passing: tuple[type[Exception], ...] = (Refused, StepFailed),
) -> Steps[tuple[Out | None, int]]:
    """What *look* gave in the end, None after a segment of looks; and how many have failed in a row.

    A failure says nothing about what is looked at: only two days of nothing else are the end.
    """
    failures = looking.failed
    # A segment ends after so many looks and starts over: each look adds to the history, and every replay reads all of
    # it.
    for number in range(looking.looks, looking.looks + LOOKS_PER_SEGMENT):
        try:
            outcome = yield from look(number)
        except passing as failure:
            failures += 1
            if failures > FAILURES:
                raise
            yield from pause_after_failure(ctx, failure, failures, "Azure DevOps")
            continue
        if outcome is not None:
            return outcome, 0
        failures = 0
        yield from wait_for(ctx, c.HINTED, look_delay_s(number))
    return None, failures


def later(looking: Looking, failures: int) -> Looking:
    return replace(looking, looks=looking.looks + LOOKS_PER_SEGMENT, failed=failures)


def _begin(ctx: Context, following: c.TaskFollowing) -> Steps[c.TaskBegun | None]:
    key = identity.task_key(ctx.instance, "begun")
    beginning = c.TaskBeginning(key=key, task=following.task, order=following.order)
    return (yield from call(ctx, c.BEGIN_TASK, beginning))


def _report(ctx: Context, following: c.TaskFollowing, number: int) -> Steps[c.TaskEnded | None]:
    start = following.begun
    assert start is not None
    ctx.show("following", follows=start.id, looks=number + 1)
    report = c.TaskReport(key=identity.task_key(ctx.instance, "told"), task=following.task, begun=start)
    progress = yield from call(ctx, c.REPORT_TASK, report)
    return (yield from _complete(ctx, following.task, start, progress)) if progress.ended else None


def _complete(ctx: Context, task: c.TaskRef, start: c.TaskBegun, progress: c.TaskProgress) -> Steps[c.TaskEnded]:
    if not progress.gone:
        completion = c.TaskCompletion(
            key=identity.task_key(ctx.instance, "completed"),
            task=task,
            version=start.version,
            succeeded=progress.succeeded,
            because=progress.because,
        )
        yield from call(ctx, c.COMPLETE_TASK, completion)
    ctx.show("done", succeeded=progress.succeeded, because=progress.because[:300])
    return c.TaskEnded(succeeded=progress.succeeded, because=progress.because)


def _mirror_once(ctx: Context, mirroring: c.Mirroring) -> Steps[c.Mirrored | None]:
    result = yield from call(ctx, c.MIRROR_APPROVALS, mirroring)
    ctx.show("mirroring approvals", notes=list(result.notes))
    return result if result.ended else None


def _look_at(ctx: Context, request: c.RunOfPipeline, run: c.DevOpsRun, number: int) -> Steps[c.DevOpsRun | None]:
    ctx.show("following the run", run=run.id, page=run.page, looks=number + 1)
    look = c.DevOpsRunLook(
        organisation=request.organisation, project=request.project, pipeline=request.pipeline, run=run.id
    )
    run_now = yield from call(ctx, c.LOOK_AT_DEVOPS_RUN, look)
    if not run_now.finished:
        return None
    ctx.show("done", run=run_now.id, result=run_now.result.value)
    return run_now
