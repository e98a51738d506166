"""Stand in for a pipeline's task: start or follow what it asks for, tell it what happens, and release it once.

No agent waits meanwhile, and nothing here knows the task's token.
"""

from dataclasses import replace

from shared import contracts as c
from shared.domain import identity
from shared.domain.devops.tasks import LOOKS_PER_SEGMENT, look_delay_s
from shared.domain.failures import Refused
from shared.durable import Context, Steps, call, start_over, wait_for


def follow_task(ctx: Context, following: c.TaskFollowing) -> Steps[c.TaskEnded | None]:
    """A plan that Azure DevOps does not confirm is told nothing."""
    begun = following.begun
    if begun is None:
        ctx.show("asking Azure DevOps for the plan")
        key = identity.task_key(ctx.instance, "begun")
        beginning = c.TaskBeginning(key=key, task=following.task, order=following.order)
        try:
            begun = yield from call(ctx, c.BEGIN_TASK, beginning)
        except Refused as refusal:
            ctx.show("refused", because=str(refusal)[:300])
            return c.TaskEnded(succeeded=False, because=str(refusal))
    return (yield from _follow(ctx, replace(following, begun=begun), begun))


def _follow(ctx: Context, following: c.TaskFollowing, begun: c.TaskBegun) -> Steps[c.TaskEnded | None]:
    report = c.TaskReport(key=identity.task_key(ctx.instance, "told"), task=following.task, begun=begun)
    for look in range(following.looks, following.looks + LOOKS_PER_SEGMENT):
        ctx.show("following", follows=begun.id, looks=look + 1)
        seen = yield from call(ctx, c.REPORT_TASK, report)
        if seen.ended:
            return (yield from _complete(ctx, following.task, begun, seen))
        yield from wait_for(ctx, c.HINTED, look_delay_s(look))
    start_over(ctx, replace(following, looks=following.looks + LOOKS_PER_SEGMENT))
    return None


def _complete(ctx: Context, task: c.TaskRef, begun: c.TaskBegun, seen: c.TaskProgress) -> Steps[c.TaskEnded]:
    if not seen.gone:
        completion = c.TaskCompletion(
            key=identity.task_key(ctx.instance, "completed"),
            task=task,
            version=begun.version,
            succeeded=seen.succeeded,
            because=seen.because,
        )
        yield from call(ctx, c.COMPLETE_TASK, completion)
    ctx.show("done", succeeded=seen.succeeded, because=seen.because[:300])
    return c.TaskEnded(succeeded=seen.succeeded, because=seen.because)


def mirror(ctx: Context, mirroring: c.Mirroring) -> Steps[c.Mirrored | None]:
    """Until the promotion has ended: decisions made in either system are known in the other."""
    for look in range(mirroring.looks, mirroring.looks + LOOKS_PER_SEGMENT):
        seen = yield from call(ctx, c.MIRROR_APPROVALS, mirroring)
        ctx.show("mirroring approvals", notes=list(seen.notes))
        if seen.ended:
            return seen
        yield from wait_for(ctx, c.HINTED, look_delay_s(look))
    start_over(ctx, replace(mirroring, looks=mirroring.looks + LOOKS_PER_SEGMENT))
    return None


def heed(ctx: Context, hinting: c.Hinting) -> Steps[c.Heeded]:
    """One hint of a service hook."""
    ctx.show("reading the truth again", kind=hinting.hint.kind.value, id=hinting.hint.id)
    heeded = yield from call(ctx, c.HEED_HINT, hinting)
    ctx.show("done", did=heeded.did[:300])
    return heeded


def run_devops_pipeline(ctx: Context, wanted: c.RunOfPipeline) -> Steps[c.DevOpsRun | None]:
    """Start the pipeline once, and follow its run to the result."""
    run = yield from call(ctx, c.START_DEVOPS_RUN, wanted)
    look = c.DevOpsRunLook(
        organisation=wanted.organisation, project=wanted.project, pipeline=wanted.pipeline, run=run.id
    )
    for number in range(wanted.looks, wanted.looks + LOOKS_PER_SEGMENT):
        ctx.show("following the run", run=run.id, page=run.page, looks=number + 1)
        run = yield from call(ctx, c.LOOK_AT_DEVOPS_RUN, look)
        if run.finished:
            ctx.show("done", run=run.id, result=run.result.value)
            return run
        yield from wait_for(ctx, c.HINTED, look_delay_s(number))
    start_over(ctx, replace(wanted, looks=wanted.looks + LOOKS_PER_SEGMENT))
    return None
