"""The pipeline's run: submitted once under a deterministic name, looked at, stopped with the reason on it."""

from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import PutOff
from shared.domain.inference.runs import JobState, job_state
from shared.domain.retraining.pipelines import PipelineRun
from shared.domain.retraining.rules import HOLDOUT
from shared.ports import HubFile
from shared.records import paths
from shared.records.inference import GivenOrder
from shared.records.store import RecordStore

_TAG = 250  # Azure ML takes 256 characters.


def check_training_sets(clients: Clients, check: c.TrainingCheck) -> c.DataVerdict:
    """The sets as they were written, against the contracts of training data, by the check that arrivals pass too."""
    staging, rows, summary = check.request.hub.staging, 0, list[str]()
    for each in check.sets.sets:
        rows += each.rows
        found = [clients.hub.find(staging, f"{each.folder}/{part}") for part in each.parts]
        files = [HubFile(name=f"{each.name}/{blob.path}", blob=blob) for blob in found if blob is not None]
        if len(files) < len(each.parts):
            summary.append(f"{each.name}: {len(each.parts) - len(files)} parts of the training set are gone")
        elif each.contract:
            report = clients.data_checks.check(each.contract, files)
            summary += [f"{each.name}: {line}"[:300] for line in report["summary"][:20]]
    return c.DataVerdict(passed=not summary, rows=rows, summary=tuple(summary[:20]))


def submit_training(clients: Clients, submission: c.TrainingSubmission) -> c.TrainingSubmitted:
    """Found or created by name, so that a repeat joins the first; where Azure ML puts it off, says until when."""
    if ordered := cancelled_by(clients, submission.request):
        return c.TrainingSubmitted(cancelled=ordered)
    run = _pipeline_run(submission.request, submission.sets)

    def act() -> c.TrainingSubmitted:
        return c.TrainingSubmitted(id=clients.pipelines.submit(run).id)

    try:
        return once(clients, submission.key, c.TrainingSubmitted, act)
    except PutOff as later:
        return c.TrainingSubmitted(again_in_s=later.after_s, because=str(later)[:300])


def look_at_training(clients: Clients, look: c.TrainingLook) -> c.JobSeen:
    """Where it stands; an order, or a metric that breaks the rule, asks for the run to be cancelled."""
    rules = look.request.rules
    seen = clients.pipelines.look(rules.pipeline, look.id)
    state = job_state(seen.status)
    if state is not JobState.ACTIVE:
        because = f"the training ended as {seen.status}" + (f": {seen.because}" if seen.because else "")
        return c.JobSeen(state=state, status=seen.status, because=because[:1000])
    if ordered := cancelled_by(clients, look.request):
        return c.JobSeen(state=state, status=seen.status, cancel_asked=True, because=ordered)
    if rules.stop.metric:
        value = clients.pipelines.metrics(rules.pipeline, look.id).get(rules.stop.metric)
        if value is not None and rules.stop.broken_by(value):
            because = f"the gate says stop: {rules.stop.metric} is {value:g}, beyond what is configured"
            return c.JobSeen(state=state, status=seen.status, cancel_asked=True, because=because)
    return c.JobSeen(state=state, status=seen.status)


def stop_training(clients: Clients, stop: c.TrainingStop) -> c.Done:
    """Cancel by id, or, where the run ended before it knew the id, by the name we gave; the reason stays on the run."""
    rules = stop.request.rules

    def act() -> c.Done:
        run = stop.id
        if not run:
            found = clients.pipelines.find(rules.pipeline, identity.job_name(stop.request.run))
            run = found.id if found else ""
        if run:
            clients.pipelines.cancel(rules.pipeline, run, stop.because[:_TAG])
            clients.pipelines.tag(rules.pipeline, run, {"signalbox.because": stop.because[:_TAG]})
        return c.Done(at=stamp(clients))

    return once(clients, stop.key, c.Done, act)


def cancelled_by(clients: Clients, request: c.RetrainingRun) -> str:
    """Who has ordered the run to be cancelled, and why; empty where nobody has."""
    order = RecordStore(clients.hub, request.hub.state).get(GivenOrder, paths.cancelling(request.run))
    return f"cancelled by {order.by}: {order.reason}"[:1000] if order else ""


def output_folder(request: c.RetrainingRun) -> str:
    """The folder in staging to which the pipeline writes."""
    return f"{paths.training_folder(request.run)}/output"


def datastore_path(request: c.RetrainingRun, folder: str) -> str:
    """A folder of staging as Azure ML knows it."""
    return f"azureml://datastores/{request.hub.datastore}/paths/{folder}"


def _pipeline_run(request: c.RetrainingRun, sets: c.TrainingSets) -> PipelineRun:
    rules = request.rules
    data = {each.name: datastore_path(request, each.folder) for each in sets.sets}
    return PipelineRun(
        name=identity.job_name(request.run),
        pipeline=rules.pipeline,
        experiment=rules.experiment,
        output=datastore_path(request, output_folder(request)),
        parameters=dict(rules.parameters),
        data=data | {HOLDOUT: datastore_path(request, sets.holdout)},
        compute=rules.compute,
        tags={
            "signalbox.model": rules.model,
            "signalbox.run": request.run,
            "signalbox.causes": request.because[:_TAG],
            "signalbox.estimate": f"{rules.estimate:g}",
            "signalbox.data": ", ".join(f"{each.name}:{each.version}" for each in sets.sets)[:_TAG],
        },
    )
