"""Score what arrived: gather, check, submit, wait, reconcile, publish, announce.

It decides nothing about data or jobs itself: every verdict comes from an activity and is history.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from operator import attrgetter

from orchestrators.waiting import PollingState, call_through_outages, poll_segment
from orchestrators.workflow import carry_to_end, conclude_orphan
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.inference.routes import OnBadData
from shared.domain.inference.runs import POLLS_PER_SEGMENT, JobState, RunOutcome
from shared.domain.teams.quotas import WAITING_FOR_ROOM
from shared.durable.context import Context, Steps, call, pause, run_child, start_over, wait_for
from shared.durable.failures import StepFailed
from shared.records import paths as records

_FIRST_ROOM_S, _LONGEST_ROOM_S = 5.0, 600.0
_MEMBERS_EVERY_S, _MEMBER_LOOKS = 5.0, 100  # At most so many looks, however long the wait: each adds to the history.


def run_inference(ctx: Context, request: c.Inference) -> Steps[c.InferenceResult]:
    """One run. Its end is announced and recorded, however it ends, once it was opened."""
    ctx.show("opening")
    opening = yield from _open(ctx, request)
    if opening.already is not None:
        return c.InferenceResult(run=request.run, outcome=RunOutcome.DUPLICATE, because=opening.because)
    if opening.scoring is not None:  # The run keeps it, also where the endpoint's default changes meanwhile.
        request = request.scored_by(opening.scoring)
    run = _carry(ctx, request, opening.limited) if not opening.unscored else _unscored(opening.unscored)
    make_failed_result = partial(_result, request, RunOutcome.FAILED)
    return (yield from carry_to_end(run, make_failed_result, partial(_conclude, ctx, request)))


def _unscored(because: str) -> Steps[c.InferenceResult]:
    raise Refused(because)
    yield  # Never reached. It makes this a generator, so that `carry_to_end` treats the refusal as that of any run.


def conclude_adrift(ctx: Context, orphan: c.OrphanedRun) -> Steps[c.Done]:
    """End a run whose orchestration is gone as any other: what it had done is found, and not done again."""
    request = orphan.inference
    ending = None if orphan.job is None else _cancel(ctx, orphan, orphan.job)
    conclude = partial(_close_again, ctx) if orphan.told else partial(_conclude, ctx)
    yield from conclude_orphan(_open(ctx, request, ended=True), ending, partial(conclude, request), orphan.result)
    return c.Done()


def _close_again(ctx: Context, request: c.Inference, result: c.InferenceResult) -> Steps[c.InferenceResult]:
    """Close the record of a run that was announced and told; the ledger may have the entry of the first closing."""
    key = _key(request, f"closed-again-{ctx.unique()}")
    yield from call(ctx, c.CLOSE_RUN, c.RunClosing(key=key, inference=request, result=result, last=True))
    return result


def _open(ctx: Context, request: c.Inference, ended: bool = False) -> Steps[c.RunOpened]:
    opening = c.RunOpening(key=_key(request, "opened"), execution=ctx.unique(), inference=request, ended=ended)
    return (yield from call(ctx, c.OPEN_RUN, opening))


def _cancel(ctx: Context, orphan: c.OrphanedRun, job: str) -> Steps[None]:
    request = orphan.inference
    cancellation = c.Cancellation(
        key=_key(request, "cancelled-adrift"),
        run=request.run,
        route=request.route,
        hub=request.hub,
        job=job,
        because=orphan.result.because,
    )
    try:
        yield from call(ctx, c.CANCEL_JOB, cancellation)
    except Refused as refusal:  # The run ends all the same.
        ctx.show("could not cancel the job", because=str(refusal)[:300])


def _carry(ctx: Context, request: c.Inference, limited: bool) -> Steps[c.InferenceResult]:
    inputs = yield from _gather(ctx, request)
    if inputs.files == 0:
        return _result(request, RunOutcome.SUPERSEDED, "no file was left to score: " + "; ".join(inputs.dropped))
    ctx.show("checking data", files=inputs.files)
    check = c.DataCheck(inference=request, input_path=inputs.input_path, report_path=records.data_report(request.run))
    verdict = yield from call(ctx, c.CHECK_DATA, check)
    if not verdict.passed:
        early_result = yield from _hold_back(ctx, request, verdict)
        if early_result is not None:
            return early_result
    if limited:
        early_result = yield from _await_room(ctx, request)
        if early_result is not None:
            return early_result
    return (yield from _score(ctx, request, inputs, verdict))


def _await_room(ctx: Context, request: c.Inference) -> Steps[c.InferenceResult | None]:
    """Wait until the quotas of the run's team have room for it; None once they have."""
    admission, pause_s = c.RunAdmission(key=_key(request, "admitted"), inference=request), _FIRST_ROOM_S
    while True:
        ctx.show("asking for room")
        admitted = yield from call_through_outages(ctx, c.ADMIT_RUN, admission)
        if admitted.cancelled:
            return _result(request, RunOutcome.CANCELLED, "cancelled while it waited for room in a quota")
        if not admitted.because:
            return None
        ctx.show(WAITING_FOR_ROOM, because=admitted.because[:300])
        # The end of another run wakes this one, and so does an order to cancel. The activity reads the records.
        yield from wait_for(ctx, c.ORDER_GIVEN, pause_s)
        pause_s = min(_LONGEST_ROOM_S, pause_s * 2)


def _gather(ctx: Context, request: c.Inference) -> Steps[c.Gathered]:
    """Pin the members; a manifest may name files that are still on their way."""
    ctx.show("gathering")
    within_s = request.route.group.marker.wait_s
    deadline = ctx.now + timedelta(seconds=within_s)
    while True:
        inputs = yield from call(ctx, c.GATHER_FILES, c.Gathering(key=_key(request, "gathered"), inference=request))
        if not inputs.missing:
            return inputs
        if ctx.now >= deadline:
            raise Refused(f"the manifest names files that did not arrive in time: {', '.join(inputs.missing)}")
        yield from pause(ctx, max(_MEMBERS_EVERY_S, within_s / _MEMBER_LOOKS))


def _hold_back(ctx: Context, request: c.Inference, verdict: c.DataVerdict) -> Steps[c.InferenceResult | None]:
    """Quarantine, tell the owner, and wait for a release; None once released."""
    because = "; ".join(verdict.summary)
    if request.route.on_bad_data is OnBadData.FAIL:
        return _result(request, RunOutcome.FAILED, f"the data check failed: {because}")
    ctx.show("quarantining", because=because[:300])
    result = _result(request, RunOutcome.QUARANTINED, because)
    yield from call(
        ctx,
        c.QUARANTINE_FILES,
        c.Quarantining(key=_key(request, "quarantined"), inference=request, report=verdict.report),
    )
    ctx.show("quarantined", because=because[:300])
    is_released = attrgetter("released")
    return (yield from _await_release(ctx, request, result, verdict.report, is_released, "cancelled while quarantined"))


def _await_release(
    ctx: Context,
    request: c.Inference,
    result: c.InferenceResult,
    report: str,
    is_released: Callable[[c.RunOrders], bool],
    cancelled_because: str,
) -> Steps[c.InferenceResult | None]:
    """Tell everybody the *result* that the run has unless somebody releases it; None once *is_released* says so."""
    yield from _announce(ctx, request, result, report)
    yield from _tell(ctx, request, result)
    orders = yield from _await_orders(ctx, request, is_released)
    if is_released(orders):
        return None
    if orders.cancelled:
        return _result(request, RunOutcome.CANCELLED, cancelled_because)
    return result


def _await_orders(ctx: Context, request: c.Inference, is_released: Callable[[c.RunOrders], bool]) -> Steps[c.RunOrders]:
    """The orders once *is_released* says so of them, the run is cancelled, or the time for a release is over."""
    deadline = ctx.now + timedelta(seconds=request.route.release_within_s)
    while True:
        orders = yield from call(ctx, c.LOOK_AT_ORDERS, c.RunLook(inference=request))
        remaining_s = (deadline - ctx.now).total_seconds()
        if is_released(orders) or orders.cancelled or remaining_s <= 0:
            return orders
        # The event only wakes. What was ordered is a record, which is read after each wake: one raised event can
        # satisfy several waits of the Python SDK, and an event that comes between two waits must lose nothing.
        yield from wait_for(ctx, c.ORDER_GIVEN, remaining_s)


def _score(ctx: Context, request: c.Inference, inputs: c.Gathered, verdict: c.DataVerdict) -> Steps[c.InferenceResult]:
    output = records.output_folder(request.run)
    submitted_at = ctx.now
    ctx.show("submitting")
    submission = c.Submission(
        key=_key(request, "submitted"), inference=request, input_path=inputs.input_path, output_path=output
    )
    job = yield from call(ctx, c.SUBMIT_JOB, submission)
    ctx.show("waiting for the job", job=job.job, name=job.friendly_name)
    end = yield from _wait(ctx, request, job)
    if end.state is not JobState.COMPLETED:
        outcome = RunOutcome.CANCELLED if end.state is JobState.CANCELLED else RunOutcome.FAILED
        return replace(_result(request, outcome, end.because), job_error=end.error, job_log=end.log)
    timings = {"submitted": submitted_at.isoformat(), "scored": ctx.now.isoformat()}
    ctx.show("reconciling")
    reconciling = c.Reconciling(inference=request, rows_in=verdict.rows, output_path=output)
    reconciliation = yield from call(ctx, c.RECONCILE_ROWS, reconciling)
    if reconciliation.outcome is RunOutcome.FAILED:
        return _result(request, RunOutcome.FAILED, reconciliation.because)
    output_verdict = None
    if request.route.output_contract:
        output_verdict = yield from _check_output(ctx, request, reconciliation)
        if not output_verdict.passed:
            early_result = yield from _hold_output(ctx, request, output_verdict)
            if early_result is not None:
                return early_result
    ctx.show("publishing")
    publishing = c.Publishing(
        key=_key(request, "published"),
        inference=request,
        result=reconciliation,
        job=job,
        report=verdict.report,
        timings=timings,
        output_report=output_verdict.report if output_verdict else "",
        output_outcome=_output_outcome(output_verdict),
    )
    publication = yield from call(ctx, c.PUBLISH_RESULT, publishing)
    return _result(request, reconciliation.outcome, reconciliation.because, publication.manifest)


def _check_output(ctx: Context, request: c.Inference, reconciliation: c.Reconciled) -> Steps[c.DataVerdict]:
    ctx.show("checking the output")
    check = c.OutputCheck(inference=request, files=reconciliation.files, report_path=records.output_report(request.run))
    return (yield from call(ctx, c.CHECK_OUTPUT, check))


def _hold_output(ctx: Context, request: c.Inference, verdict: c.DataVerdict) -> Steps[c.InferenceResult | None]:
    """Publish nothing, say why, and wait for a release; None once released."""
    because = f"the output breaks its contract: {'; '.join(verdict.summary)}"
    result = _result(request, RunOutcome.HELD, because)
    hold = c.OutputHold(key=_key(request, "held"), inference=request, report=verdict.report)
    yield from call(ctx, c.HOLD_OUTPUT, hold)
    ctx.show("held", because=because[:300])
    is_released, cancelled_because = attrgetter("output_released"), "cancelled while its output was held"
    return (yield from _await_release(ctx, request, result, verdict.report, is_released, cancelled_because))


def _output_outcome(verdict: c.DataVerdict | None) -> str:
    """How the manifest calls it: what is published although it failed was released."""
    if verdict is None:
        return ""
    return "passed" if verdict.passed else "released"


def _wait(ctx: Context, request: c.Inference, job: c.Submitted) -> Steps[c.JobEnd]:
    """How the job ended. Its input is registered meanwhile, so that a publication does not wait for that."""
    is_settled = not request.route.input_asset or (yield from _register(ctx, request))
    end = yield from _wait_for_end(ctx, request, job)
    if not is_settled:  # The outage had as long as the job ran. One more try, and the predictions wait no longer.
        yield from _register(ctx, request, last=True)
    return end


def _register(ctx: Context, request: c.Inference, last: bool = False) -> Steps[bool]:
    """True if the outcome of the registration is recorded. The predictions are published in any case."""
    registration = c.InputRegistration(key=_key(request, "registered"), inference=request, last=last)
    try:
        yield from call(ctx, c.REGISTER_INPUT, registration)
    except (Refused, StepFailed) as failure:
        ctx.show("could not register the input", because=str(failure)[:300])
        return False
    return True


def _wait_for_end(ctx: Context, request: c.Inference, job: c.Submitted) -> Steps[c.JobEnd]:
    # A moment and not a duration: the child starts over after each segment of polls, and a duration would begin anew
    # each time.
    deadline = ctx.now + timedelta(seconds=request.route.give_up_after_s)
    wait = c.JobWait(run=request.run, route=request.route, hub=request.hub, job=job.job, deadline=deadline.isoformat())
    # A child polls, so that the run's own history has one step for hours of polls. Only the child starts over.
    return (yield from run_child(ctx, c.WAIT_FOR_JOB, wait, identity.wait_id(request.run)))


def _conclude(ctx: Context, request: c.Inference, result: c.InferenceResult) -> Steps[c.InferenceResult]:
    ctx.show("announcing", outcome=result.outcome.value)
    if result.outcome not in (RunOutcome.QUARANTINED, RunOutcome.HELD):  # They were announced when it was held back.
        yield from _announce(ctx, request, result)
    yield from call(ctx, c.CLOSE_RUN, c.RunClosing(key=_key(request, "closed"), inference=request, result=result))
    yield from _tell(ctx, request, result, last=True)  # After closing, so that a late question finds the record closed.
    ctx.show("done", outcome=result.outcome.value)
    return result


def _announce(ctx: Context, request: c.Inference, result: c.InferenceResult, report: str = "") -> Steps[None]:
    # A run can be announced twice, as quarantined and, after a release, as what it came to. The outcome in the key
    # keeps the ledger from taking the second for a repeat.
    key = _key(request, f"announced-{result.outcome.value}")
    yield from call(ctx, c.ANNOUNCE_RUN, c.Announcement(key=key, inference=request, result=result, report=report))


def answer_late(ctx: Context, telling: c.Telling) -> Steps[c.Done]:
    """Tell somebody who asked for a run by a message after it had ended."""
    return (yield from call(ctx, c.TELL_RESULT, telling))


def _tell(ctx: Context, request: c.Inference, result: c.InferenceResult, last: bool = False) -> Steps[None]:
    if request.hub.results:
        key = _key(request, f"told-{result.outcome.value}")
        yield from call(ctx, c.TELL_RESULT, c.Telling(key=key, inference=request, result=result, last=last))


def _result(request: c.Inference, outcome: RunOutcome, because: str, manifest: str = "") -> c.InferenceResult:
    return c.InferenceResult(run=request.run, outcome=outcome, because=because, manifest=manifest)


def _key(request: c.Inference, step: str) -> str:
    return identity.effect_key(request.run, step)


def wait_for_job(ctx: Context, wait: c.JobWait) -> Steps[c.JobEnd | None]:
    """How the job ended; on cancellation or time-out the job is cancelled, and a time-out is a failure."""
    polling = PollingState(
        subject="the job", polls=wait.polls, deadline=wait.deadline, within_s=wait.route.give_up_after_s
    )
    look = c.JobLook(run=wait.run, route=wait.route, hub=wait.hub, job=wait.job)
    end = yield from poll_segment(ctx, polling, c.LOOK_AT_JOB, look, partial(_cancel_job, ctx, wait))
    if end is None:
        start_over(ctx, replace(wait, polls=wait.polls + POLLS_PER_SEGMENT))
    return end


def _cancel_job(ctx: Context, wait: c.JobWait, state: JobState, because: str) -> Steps[c.JobEnd]:
    key = identity.effect_key(wait.run, "cancelled")
    cancellation = c.Cancellation(key=key, run=wait.run, route=wait.route, hub=wait.hub, job=wait.job, because=because)
    # A cancellation waits for an outage to end, unlike a look: a look that fails is repeated by the next poll, and a
    # job that nobody cancels runs on and costs money.
    yield from call_through_outages(ctx, c.CANCEL_JOB, cancellation)
    return c.JobEnd(state=state, because=because)


def check_hub_file(ctx: Context, request: c.FileCheck) -> Steps[c.FileVerdict]:
    """Check one file of the hub because somebody asked for it. No run follows; the sender hears of a failure too."""
    ctx.show("checking data", path=request.path)
    try:
        verdict = yield from call(ctx, c.JUDGE_FILE, request)
    except (Refused, StepFailed) as failure:
        yield from _tell_verdict(ctx, request, None, str(failure))
        raise
    yield from _tell_verdict(ctx, request, verdict)
    return verdict


def _tell_verdict(ctx: Context, request: c.FileCheck, verdict: c.FileVerdict | None, because: str = "") -> Steps[None]:
    """Publish the verdict for the sender of the message, if one asked and there is a topic for results."""
    if request.asker and request.results:
        telling = c.VerdictTelling(key=f"{request.key}-told", check=request, verdict=verdict, because=because)
        yield from call(ctx, c.TELL_VERDICT, telling)
