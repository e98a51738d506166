"""Consider the recorded causes of a model together, and carry one training run from its causes to a promotion.

The ladder is climbed by ordinary promotions, which ask for their gates and receipts themselves.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from orchestrators.waiting import OUTAGE_S, PollingState, call_through_outages, poll_segment
from orchestrators.workflow import carry_to_end, conclude_orphan
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.inference.runs import POLLS_PER_SEGMENT, JobState, poll_delay_s
from shared.durable.context import Context, Steps, call, pause, run_child, start_over
from shared.durable.failures import StepFailed

_LOOKS_PER_SEGMENT = 20
_FIRST_LOOK_S, _LONGEST_LOOK_S = 1.0, 1800.0
_SUBMITTED_WITHIN_S = 1800.0


@dataclass(slots=True, kw_only=True)
class Training:
    """One run under way; *id* is Azure ML's, empty until the run is submitted."""

    request: c.RetrainingRun
    id: str = ""

    def key(self, step: str) -> str:
        return identity.retraining_key(self.request.run, step)

    def result(self, outcome: c.RetrainingOutcome, because: str, **facts: str) -> c.RetrainingResult:
        return c.RetrainingResult(run=self.request.run, outcome=outcome, because=because, **facts)


def consider_retraining(ctx: Context, watch: c.RetrainingWatch) -> Steps[c.Done | None]:
    """Ends with a run, or where there is nothing to do for a while: a new cause, or the timer, considers again."""
    for _ in range(_LOOKS_PER_SEGMENT):
        ctx.show("weighing causes", model=watch.model)
        decision = yield from call(ctx, c.WEIGH_CAUSES, c.CausesWeighing(key=ctx.unique(), model=watch.model))
        ctx.show(decision.move.value, model=watch.model, because=decision.because)
        if decision.run is not None:
            key = identity.retraining_key(decision.run.run, "started")
            return (yield from call(ctx, c.START_RETRAINING, c.RetrainingStart(key=key, request=decision.run)))
        if not decision.debounced:
            return c.Done()
        yield from pause(ctx, decision.wait_s)
    start_over(ctx, watch)
    return None


def retrain(ctx: Context, request: c.RetrainingRun) -> Steps[c.RetrainingResult]:
    """One run of training. Once it was opened, its end is written on its record, and no pipeline runs on."""
    training = Training(request=request)
    ctx.show("opening", model=request.rules.model)
    opening = yield from _open(ctx, training)
    if opening.already:
        return training.result(c.RetrainingOutcome.DUPLICATE, opening.because)
    failed_result = partial(training.result, c.RetrainingOutcome.FAILED)
    conclude, clean_up = partial(_conclude, ctx, training), partial(_stop_failed, ctx, training)
    return (yield from carry_to_end(_carry(ctx, training), failed_result, conclude, clean_up))


def cancel_training_adrift(ctx: Context, request: c.RetrainingRun) -> Steps[c.Done]:
    """Cancel the pipeline's run of a run that was ended from outside, and say so on both."""
    training, because = Training(request=request), "its orchestration was ended from outside"
    result = training.result(c.RetrainingOutcome.CANCELLED, because)
    opening, ending = _open(ctx, training), _stop(ctx, training, because)
    yield from conclude_orphan(opening, ending, partial(_conclude, ctx, training), result)
    return c.Done()


def _open(ctx: Context, training: Training) -> Steps[c.RetrainingOpened]:
    opening = c.RetrainingOpening(key=training.key("opened"), execution=ctx.unique(), request=training.request)
    return (yield from call(ctx, c.OPEN_RETRAINING, opening))


def _carry(ctx: Context, training: Training) -> Steps[c.RetrainingResult]:
    request = training.request
    ctx.show("building the training set")
    sets = yield from call(ctx, c.BUILD_TRAINING_SETS, c.RetrainingStart(key=training.key("data"), request=request))
    ctx.show("checking the training set", rows=sum(training_set.rows for training_set in sets.sets))
    verdict = yield from call(ctx, c.CHECK_TRAINING_SETS, c.TrainingCheck(request=request, sets=sets))
    if not verdict.passed:
        return training.result(c.RetrainingOutcome.BAD_DATA, "; ".join(verdict.summary)[:2000])
    job = yield from _submitted(ctx, training, sets)
    if job.cancelled:  # An earlier try, whose answer was lost, may have made it.
        yield from _stop(ctx, training, job.cancelled)
        return training.result(c.RetrainingOutcome.CANCELLED, job.cancelled)
    training.id = job.id
    end = yield from _wait(ctx, training)
    if end.state is not JobState.COMPLETED:
        is_cancelled = end.state is JobState.CANCELLED
        outcome = c.RetrainingOutcome.CANCELLED if is_cancelled else c.RetrainingOutcome.FAILED
        return training.result(outcome, end.because)
    return (yield from _judge(ctx, training, sets))


def _submitted(ctx: Context, training: Training, sets: c.TrainingSets) -> Steps[c.TrainingSubmitted]:
    """The pipeline's run. A service that puts it off is asked again when it says; one that fails, for a time.

    Raises StepFailed where it was not to be had within the time that a run may take, or failed for half an hour.
    """
    request, failures, since = training.request, 0, ctx.now
    submission = c.TrainingSubmission(key=training.key("submitted"), request=request, sets=sets)
    # Two limits: a service that asks to wait may do so for as long as a run may take, one that fails only for half an
    # hour.
    latest = ctx.now + timedelta(seconds=request.rules.give_up_after_s)
    while True:
        ctx.show("submitting")
        try:
            job = yield from call(ctx, c.SUBMIT_TRAINING, submission)
            wait_s, because, within = job.again_in_s, job.because, latest
            failures = 0
        except StepFailed as failure:
            job, failures, since = c.TrainingSubmitted(), failures + 1, since if failures else ctx.now
            wait_s, because = poll_delay_s(failures, ctx.instance), str(failure)
            within = min(latest, since + timedelta(seconds=_SUBMITTED_WITHIN_S))
        if job.id or job.cancelled:
            return job
        if ctx.now + timedelta(seconds=wait_s) > within:
            raise StepFailed(f"the pipeline could not be started in time: {because}")
        ctx.show("waiting to submit", because=because[:300], seconds=wait_s)
        yield from pause(ctx, wait_s)


def _wait(ctx: Context, training: Training) -> Steps[c.JobEnd]:
    request = training.request
    ctx.show("waiting for the training", training=training.id)
    deadline = (ctx.now + timedelta(seconds=request.rules.give_up_after_s)).isoformat()
    wait = c.TrainingWait(request=request, id=training.id, deadline=deadline)
    return (yield from run_child(ctx, c.WAIT_FOR_TRAINING, wait, identity.wait_id(request.run)))


def _judge(ctx: Context, training: Training, sets: c.TrainingSets) -> Steps[c.RetrainingResult]:
    """The challenger against the champion of this moment; only a better one goes any further."""
    request = training.request
    ctx.show("judging the challenger")
    trial = c.ChallengerTrial(key=training.key("judged"), request=request, sets=sets, id=training.id)
    judgement = yield from call_through_outages(ctx, c.JUDGE_CHALLENGER, trial)
    if judgement.outcome is not c.RetrainingOutcome.BETTER:
        yield from _stop(ctx, training, f"{judgement.outcome.value}: {judgement.because}")
        return training.result(judgement.outcome, judgement.because)
    ctx.show("registering")
    registration = c.ChallengerRegistration(
        key=training.key("registered"), request=request, sets=sets, id=training.id, judged=judgement
    )
    challenger = yield from call_through_outages(ctx, c.REGISTER_CHALLENGER, registration)
    return (yield from _offer(ctx, training, challenger, judgement.because))


def _offer(
    ctx: Context, training: Training, challenger: c.ChallengerRegistered, because: str
) -> Steps[c.RetrainingResult]:
    """The candidate's entry in the registry first, then the way up; both by promotions."""
    model = str(challenger.model)
    if challenger.entering is not None:
        entry = yield from _promoted(ctx, training, challenger.entering)
        if entry.fate is not c.Fate.PROMOTED:
            reason = f"{because}; {challenger.entering.id} {entry.fate or 'is still under way'}: {entry.because}"
            return training.result(c.RetrainingOutcome.BETTER, reason, model=model)
    if challenger.climbing is None:
        return training.result(c.RetrainingOutcome.BETTER, because, model=model)
    promotion = challenger.climbing
    ctx.show("starting the promotion", promotion=promotion.id)
    yield from call_through_outages(
        ctx, c.BEGIN_PROMOTION, c.PromotionStart(key=training.key("promoted"), promotion=promotion)
    )
    return training.result(c.RetrainingOutcome.BETTER, because, model=model, promotion=promotion.id)


def _promoted(ctx: Context, training: Training, promotion: c.Promotion) -> Steps[c.PromotionSeen]:
    """How *promotion* ended; it may be joined, where a flag was faster."""
    ctx.show("entering the candidate", promotion=promotion.id)
    yield from call_through_outages(
        ctx, c.BEGIN_PROMOTION, c.PromotionStart(key=training.key("entered"), promotion=promotion)
    )
    deadline = ctx.now + timedelta(seconds=OUTAGE_S)
    delay = _FIRST_LOOK_S
    while True:
        standing = yield from call_through_outages(ctx, c.LOOK_AT_PROMOTION, c.PromotionWatch(promotion=promotion.id))
        if standing.fate is not None or ctx.now >= deadline:
            return standing
        yield from pause(ctx, delay)
        delay = min(_LONGEST_LOOK_S, delay * 1.5)


def _stop(ctx: Context, training: Training, because: str) -> Steps[None]:
    """Cancel what may run, and say why on it; what has finished stays as it is, and only gets the reason."""
    stop = c.TrainingStop(key=training.key("stopped"), request=training.request, because=because, id=training.id)
    try:
        yield from call_through_outages(ctx, c.STOP_TRAINING, stop)
    except (Refused, StepFailed) as failure:
        ctx.show("could not stop the training", because=str(failure)[:300])


def _stop_failed(ctx: Context, training: Training, result: c.RetrainingResult) -> Steps[None]:
    """Nothing runs on for a run that failed."""
    yield from _stop(ctx, training, result.because)


def _conclude(ctx: Context, training: Training, result: c.RetrainingResult) -> Steps[c.RetrainingResult]:
    closing = c.RetrainingClosing(key=training.key("closed"), request=training.request, result=result, id=training.id)
    # Closed first, then woken: the book names one run in flight, and a consideration that came before the close would
    # find it there and wait.
    yield from call_through_outages(ctx, c.CLOSE_RETRAINING, closing)
    wake = c.RetrainingWake(key=training.key("woken"), model=training.request.rules.model)
    yield from call(ctx, c.WAKE_RETRAINING, wake)
    ctx.show("done", outcome=result.outcome.value, because=result.because[:300])
    return result


def wait_for_training(ctx: Context, wait: c.TrainingWait) -> Steps[c.JobEnd | None]:
    """How the pipeline's run ended; on a time-out, or where a metric breaks the rule, it is cancelled."""
    request = wait.request
    polling = PollingState(
        subject="the training", polls=wait.polls, deadline=wait.deadline, within_s=request.rules.give_up_after_s
    )
    look = c.TrainingLook(request=request, id=wait.id)
    end = yield from poll_segment(ctx, polling, c.LOOK_AT_TRAINING, look, partial(_stop_waiting, ctx, wait))
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


def _stop_waiting(ctx: Context, wait: c.TrainingWait, state: JobState, because: str) -> Steps[c.JobEnd]:
    key = identity.retraining_key(wait.request.run, "stopped")
    stop = c.TrainingStop(key=key, request=wait.request, because=because, id=wait.id)
    yield from call_through_outages(ctx, c.STOP_TRAINING, stop)
    return c.JobEnd(state=state, because=because)
