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
