"""Wait for a pipeline's run; watch what comes to train models; find what no event brought."""

from dataclasses import replace
from functools import partial

from orchestrators.waiting import PollingState, call_through_outages, poll_segment
from shared import contracts as c
from shared.domain import identity
from shared.domain.inference.runs import POLLS_PER_SEGMENT, JobState
from shared.durable.context import Context, Steps, call, start_over


def wait_for_training(ctx: Context, wait: c.TrainingWait) -> Steps[c.JobEnd | None]:
    """How the pipeline's run ended; on a time-out, or where a metric breaks the rule, it is cancelled."""
    request = wait.request
    polling = PollingState(
        subject="the training", polls=wait.polls, deadline=wait.deadline, within_s=request.rules.give_up_after_s
    )
    look = c.TrainingLook(request=request, id=wait.id)
    end = yield from poll_segment(ctx, polling, c.LOOK_AT_TRAINING, look, partial(_stop, ctx, wait))
    if end is None:
        start_over(ctx, replace(wait, polls=wait.polls + POLLS_PER_SEGMENT))
    return end


def watch_training_data(ctx: Context, watch: c.RetrainingWatch) -> Steps[c.Done]:
    """One look at what lies there: a lost or repeated event changes nothing."""
    ctx.show("looking", model=watch.model)
    return (yield from call(ctx, c.LOOK_AT_TRAINING_DATA, c.RetrainingWake(key=ctx.unique(), model=watch.model)))


def reconcile_retraining(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping retraining")
    return (yield from call(ctx, c.SWEEP_RETRAINING, sweep))


def _stop(ctx: Context, wait: c.TrainingWait, state: JobState, because: str) -> Steps[c.JobEnd]:
    key = identity.retraining_key(wait.request.run, "stopped")
    stop = c.TrainingStop(key=key, request=wait.request, because=because, id=wait.id)
    yield from call_through_outages(ctx, c.STOP_TRAINING, stop)
    return c.JobEnd(state=state, because=because)
