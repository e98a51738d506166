"""Wait for what runs elsewhere with durable timers, for seconds or for a week, holding nothing while waiting."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared import contracts as c
from shared.domain.failures import Refused
from shared.domain.inference.runs import POLLS_PER_SEGMENT, JobState, failure_delay_s, poll_delay_s
from shared.durable.context import Context, Steps, call, pause, wait_for
from shared.durable.failures import StepFailed

OUTAGE_S = 2 * 86400.0  # Longer than what a service ever took to come back.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 1800.0

In = TypeVar("In")
Out = TypeVar("Out")
Look = TypeVar("Look")
Stop = Callable[[JobState, str], Steps[c.JobEnd]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingState:
    """The polling of *subject*: from poll number *polls* until *deadline* (ISO 8601), *within_s* after its start."""

    subject: str
    polls: int
    deadline: str
    within_s: int


def poll_segment(
    ctx: Context, polling: PollingState, activity: c.Activity[Look, c.JobSeen], look: Look, stop: Stop
) -> Steps[c.JobEnd | None]:
    """How it ended, or None where it still runs after a segment of polls; a time-out is a failure, and stops it.

    A look that fails says nothing about what runs: it is waited for all the same, until its time is over.
    """
    for poll in range(polling.polls, polling.polls + POLLS_PER_SEGMENT):
        job = yield from _look(ctx, activity, look)
        ctx.show(f"waiting for {polling.subject}", status=job.status, polls=poll + 1)
        if job.state is not JobState.ACTIVE:
            because = job.because or f"{polling.subject} ended as {job.status}"
            return c.JobEnd(state=job.state, because=because, error=job.error, log=job.log)
        if job.cancel_asked:
            return (yield from stop(JobState.CANCELLED, job.because or "cancelled by order"))
        remaining_s = (datetime.fromisoformat(polling.deadline) - ctx.now).total_seconds()
        if remaining_s <= 0:
            because = f"timed out: {polling.subject} was not done after {polling.within_s} s and was cancelled"
            return (yield from stop(JobState.FAILED, because))
        # An event ends the pause early, so that an order to cancel need not wait for a poll ten minutes away. The look
        # reads the order itself.
        yield from wait_for(ctx, c.ORDER_GIVEN, min(remaining_s, poll_delay_s(poll, ctx.instance)))
    return None


def _look(ctx: Context, activity: c.Activity[Look, c.JobSeen], look: Look) -> Steps[c.JobSeen]:
    try:
        return (yield from call(ctx, activity, look))
    except StepFailed as failure:
        return c.JobSeen(state=JobState.ACTIVE, status=f"not seen: {failure}"[:300])


def call_through_outages(
    ctx: Context, activity: c.Activity[In, Out], payload: In, until: datetime | None = None
) -> Steps[Out]:
    """`call`, once an outage has passed. Raises StepFailed where one lasts beyond *until* (two days).

    `call` itself tries six times within seconds, which is right for a hiccup. An outage takes hours, and is waited for
    with durable timers, which hold no worker. A Refused passes through: trying again cannot help.
    """
    # By the clock and not by a number of tries: a service says itself how long it puts us off, so that a number of
    # tries would mean another time at each service.
    failures, over = 0, until or ctx.now + timedelta(seconds=OUTAGE_S)
    while True:
        try:
            return (yield from call(ctx, activity, payload))
        except StepFailed as failure:
            failures += 1
            if ctx.now >= over:
                raise
            yield from pause_after_failure(ctx, failure, failures, "an outage to end", _LONGEST_PAUSE_S)


def ask_until_done(
    ctx: Context, ask: Callable[[], Steps[c.Moved]], subject: str, within_s: float, longest_pause_s: float = 60.0
) -> Steps[None]:
    """Ask again, with durable timers between, for as long as Azure is still at work on it.

    Raises Refused where *subject* is not done after *within_s*.
    """
    elapsed_s, delay = 0.0, _FIRST_PAUSE_S
    while (progress := (yield from ask())).waiting:
        if elapsed_s >= within_s:
            raise Refused(f"{subject} was not done after {within_s:.0f} s ({progress.waiting})")
        yield from pause(ctx, delay)
        elapsed_s, delay = elapsed_s + delay, min(longest_pause_s, delay * 1.5)


def pause_after_failure(
    ctx: Context, failure: Exception, failures: int, subject: str, longest_s: float = 300.0
) -> Steps[None]:
    """Pause before *subject*, which failed, is tried again: ever longer, and at least as long as the service asks."""
    ctx.show(f"waiting for {subject}", failed=failures, because=str(failure)[:300])
    yield from pause(ctx, failure_delay_s(failures, getattr(failure, "after_s", 0.0), longest_s))
