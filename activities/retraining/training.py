"""Retraining's own steps of a pipeline's run: its set is checked, and it is submitted, looked at and stopped."""

from activities.effects import once, stamp
from activities.training_runs import TrainingRun, ending, look_at_run, stop_run, submit_run
from shared import contracts as c
from shared.clients import Clients
from shared.domain.counts import counted
from shared.domain.failures import PutOff
from shared.domain.inference.runs import JobState
from shared.domain.retraining.rules import HOLDOUT
from shared.ports import HubFile
from shared.records import paths
from shared.records.inference import GivenOrder
from shared.records.store import RecordStore


def check_training_sets(clients: Clients, check: c.TrainingCheck) -> c.DataVerdict:
    """The sets as they were written, against the contracts of training data, by the check that arrivals pass too."""
    staging, rows, summary = check.request.hub.staging, 0, list[str]()
    for training_set in check.sets.sets:
        name = training_set.name
        rows += training_set.rows
        blobs = [clients.hub.find(staging, f"{training_set.folder}/{part}") for part in training_set.parts]
        files = [HubFile(name=f"{name}/{blob.path}", blob=blob) for blob in blobs if blob is not None]
        if len(files) < len(blobs):
            summary.append(f"{name}: {counted(len(blobs) - len(files), 'part')} of the training set cannot be found")
        elif training_set.contract:
            report = clients.data_checks.check(training_set.contract, files)
            summary += [f"{name}: {line}"[:300] for line in report["summary"][:20]]
    return c.DataVerdict(passed=not summary, rows=rows, summary=tuple(summary[:20]))


def submit_training(clients: Clients, submission: c.TrainingSubmission) -> c.TrainingSubmitted:
    """The pipeline's run, made once; where Azure ML puts it off, the answer says until when."""
    request, sets = submission.request, submission.sets
    if order := cancelled_by(clients, request):
        return c.TrainingSubmitted(cancelled=order)
    data = {training_set.name: request.hub.address(training_set.folder) for training_set in sets.sets}
    data[HOLDOUT] = request.hub.address(sets.holdout)
    try:
        return submit_run(clients, submission.key, training_run(request), data, _tags(request, sets))
    except PutOff as later:
        return c.TrainingSubmitted(again_in_s=later.after_s, because=str(later)[:300])


def look_at_training(clients: Clients, look: c.TrainingLook) -> c.JobSeen:
    """Where it stands; an order, or a metric that breaks the rule, asks for the run to be cancelled."""
    rules = look.request.rules
    state, run_seen = look_at_run(clients, training_run(look.request), look.id)
    if state is not JobState.ACTIVE:
        return c.JobSeen(state=state, status=run_seen.status, because=f"the training {ending(run_seen)}"[:1000])
    because = cancelled_by(clients, look.request)
    if not because and rules.stop.metric:
        value = clients.pipelines.metrics(rules.pipeline, look.id).get(rules.stop.metric)
        if value is not None and rules.stop.broken_by(value):
            because = f"the gate says stop: {rules.stop.metric} is {value:g}, beyond what is configured"
    return c.JobSeen(state=state, status=run_seen.status, cancel_asked=bool(because), because=because)


def stop_training(clients: Clients, stop: c.TrainingStop) -> c.Done:
    """Cancel by id, or, where the run ended before it knew the id, by the name we gave; the reason stays on the run."""

    def act() -> c.Done:
        stop_run(clients, training_run(stop.request), stop.because, stop.id)
        return c.Done(at=stamp(clients))

    return once(clients, stop.key, c.Done, act)


def cancelled_by(clients: Clients, request: c.RetrainingRun) -> str:
    """Who has ordered the run to be cancelled, and why; empty where nobody has."""
    order = RecordStore(clients.hub, request.hub.state).get(GivenOrder, paths.cancelling(request.run))
    return f"cancelled by {order.by}: {order.reason}"[:1000] if order else ""


def training_run(request: c.RetrainingRun) -> TrainingRun:
    """The pipeline's run of *request*."""
    folder = f"{paths.training_folder(request.run)}/output"
    return TrainingRun(owner=request.run, rules=request.rules, hub=request.hub, folder=folder)


def _tags(request: c.RetrainingRun, sets: c.TrainingSets) -> dict[str, str]:
    return {
        "signalbox.model": request.rules.model,
        "signalbox.run": request.run,
        "signalbox.causes": request.because,
        "signalbox.estimate": f"{request.rules.estimate:g}",
        "signalbox.data": ", ".join(f"{training_set.name}:{training_set.version}" for training_set in sets.sets),
    }
