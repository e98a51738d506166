"""Wait for a batch job with durable timers, for seconds or for a week, and never hold anything while waiting."""

from dataclasses import replace
from functools import partial

from orchestrators.waiting import PollingState, one_segment, patiently
from shared import contracts as c
from shared.domain import identity
from shared.domain.inference.runs import POLLS_PER_SEGMENT, JobState
from shared.durable.context import Context, Steps, start_over


def wait_for_job(ctx: Context, wait: c.JobWait) -> Steps[c.JobEnd | None]:
    """How the job ended; on cancellation or time-out the job is cancelled, and a time-out is a failure."""
    polling = PollingState(
        subject="the job", polls=wait.polls, deadline=wait.deadline, within_s=wait.route.give_up_after_s
    )
    look = c.JobLook(run=wait.run, route=wait.route, hub=wait.hub, job=wait.job)
    end = yield from one_segment(ctx, polling, c.LOOK_AT_JOB, look, partial(_stop, ctx, wait))
    if end is None:
        start_over(ctx, replace(wait, polls=wait.polls + POLLS_PER_SEGMENT))
    return end


def _stop(ctx: Context, wait: c.JobWait, state: JobState, because: str) -> Steps[c.JobEnd]:
    key = identity.effect_key(wait.run, "cancelled")
    cancellation = c.Cancellation(key=key, run=wait.run, route=wait.route, hub=wait.hub, job=wait.job, because=because)
    yield from patiently(ctx, c.CANCEL_JOB, cancellation)
    return c.JobEnd(state=state, because=because)
