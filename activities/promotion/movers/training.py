"""Have a version trained at a stage by its pipeline: the run is asked for once, waited for, and its bundle recorded."""

from collections.abc import Mapping
from typing import Any

from activities.effects import once
from shared import contracts as c
from shared.application.promotion.planning import place_folder, read_bundle, refuse_incomplete
from shared.application.promotion.stage_training import (
    output_folder,
    output_shelves,
    require_same_data,
    trained_at,
    trained_key,
)
from shared.application.promotion.standing import askers_of
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import PutOff, Refused
from shared.domain.inference.runs import JobState, job_state
from shared.domain.promotion.training import Trained, TrainingPlan
from shared.domain.retraining.pipelines import PipelineRun, PipelineRunSeen
from shared.ports import Shelf
from shared.records.promotion import record_origin
from shared.records.store import read_json

_TAG = 250  # Azure ML takes 256 characters.


class TrainModel:
    """Implements `Mover`: undoing cancels the run, says why on it, and removes its output."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        """The run's name alone: it and its folder belong to this promotion, so that nothing of others is there."""
        del clients
        return {"run": _run_name(order)}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        training = _training(order)
        if clients.ledger.find(f"{order.key}.asked") is None:
            require_same_data(clients.hub, training)
        try:
            submitted = once(
                clients, f"{order.key}.asked", c.TrainingSubmitted, lambda: _submit(clients, order, training)
            )
        except PutOff as later:
            return f"a training run ({later})"
        seen = clients.pipelines.look(training.rules.pipeline, submitted.id)
        state = job_state(seen.status)
        if state is JobState.ACTIVE:
            return f"training run {seen.id} ({seen.status})"
        if state is not JobState.COMPLETED:
            raise Refused(f"training run {seen.id} ended as {seen.status}" + (f": {seen.because}" * bool(seen.because)))
        _collect(clients, order, training, seen)
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        pipeline = _training(order).rules.pipeline
        run = clients.pipelines.find(pipeline, str(before["run"]))
        if run is not None:
            because = (order.because or f"{order.promotion.id} was taken back")[:_TAG]
            clients.pipelines.cancel(pipeline, run.id, because)
            clients.pipelines.tag(pipeline, run.id, {"signalbox.because": because})
            if job_state(clients.pipelines.look(pipeline, run.id).status) is JobState.ACTIVE:
                return f"training run {run.id} to end"  # Until then it may still write.
        left = Shelf(place=pipeline.workspace, folder=_output(clients, order), asset=order.plan.model)
        for file in list(clients.bundles.files(left)):
            clients.bundles.delete(left, file.path)
        return ""


def _submit(clients: Clients, order: c.MoveOrder, training: TrainingPlan) -> c.TrainingSubmitted:
    """Found or created by name, so that a repeat joins the first."""
    rules, plan = training.rules, order.plan
    data = {folder.name: folder.folder for folder in training.data}
    if rules.bundle:
        data[rules.bundle] = place_folder(plan.model, plan.digest)
    tags = {
        "signalbox.model": str(plan.model),
        "signalbox.promotion": order.promotion.id,
        "signalbox.source": _source(order),
        "signalbox.data": _said(training),
    }
    run = PipelineRun(
        name=_run_name(order),
        pipeline=rules.pipeline,
        experiment=rules.experiment,
        output=_output(clients, order),
        parameters=dict(rules.parameters),
        data=data,
        compute=rules.compute,
        tags={name: value[:_TAG] for name, value in tags.items()},
    )
    return c.TrainingSubmitted(id=clients.pipelines.submit(run).id)


def _collect(clients: Clients, order: c.MoveOrder, training: TrainingPlan, run: PipelineRunSeen) -> None:
    """Record the bundle that the run made, once; data that changed under it leave nobody knowing what it learned."""
    if trained_at(clients.ledger, order.promotion.id, order.stage) is not None:
        return
    require_same_data(clients.hub, training)
    output, model = _output(clients, order), order.plan.model
    bundle = read_bundle(clients.bundles, *output_shelves(order, output))
    refuse_incomplete(model, order.plan.kind, bundle, f"let the pipeline write it to {output}")
    trained = Trained(run=run.id, output=output, contents=bundle.files, lineage=_lineage(clients, order, training, run))
    facts = {"promotion": order.promotion.id, "run": run.id, "digest": bundle.digest, **trained.lineage}
    clients.audit.append(f"{order.key}.trained", "trained", str(model), "signalbox", facts)
    askers = askers_of(clients.store, order.promotion, order.plan.digest)
    record_origin(clients.store, bundle.digest, order.promotion.id, askers)
    clients.ledger.record(trained_key(order.promotion.id, order.stage), encode(trained))


def _lineage(clients: Clients, order: c.MoveOrder, training: TrainingPlan, run: PipelineRunSeen) -> dict[str, str]:
    """Run, data, code, recipe, and the version that it was trained for; metrics in the run's own words."""
    folder = output_folder(order.promotion.id, order.stage)
    raw = clients.hub.read(clients.configuration.hub.staging, f"{folder}/lineage.json")
    written = str(read_json(raw).get("code_commit", "")) if raw else ""
    logged = clients.pipelines.metrics(training.rules.pipeline, run.id)
    metrics = {f"signalbox.metric.training.{name}": f"{value:.6g}" for name, value in list(logged.items())[:10]}
    tags = {
        "signalbox.training": run.id,
        "signalbox.source": _source(order),
        "signalbox.data": _said(training),
        "signalbox.data_version": ", ".join(each.digest.removeprefix("sha256:")[:16] for each in training.data),
        "signalbox.parameters": ", ".join(f"{name}={value}" for name, value in training.rules.parameters.items()),
        "azureml.git.commit": written or order.plan.lineage.get("azureml.git.commit", ""),
        **metrics,
    }
    return {name: value[:_TAG] for name, value in tags.items() if value}


def _training(order: c.MoveOrder) -> TrainingPlan:
    if order.at.training is None:
        raise Refused(f"stage {order.stage} trains nothing: {order.move.value} has no place there")
    return order.at.training


def _run_name(order: c.MoveOrder) -> str:
    return identity.job_name(f"{order.promotion.id}-{order.stage}")


def _output(clients: Clients, order: c.MoveOrder) -> str:
    """The folder in staging, as Azure ML names it."""
    folder = output_folder(order.promotion.id, order.stage)
    return f"azureml://datastores/{clients.configuration.hub.datastore}/paths/{folder}"


def _source(order: c.MoveOrder) -> str:
    return f"{order.plan.source.name}/{order.plan.model} ({order.plan.digest})"


def _said(training: TrainingPlan) -> str:
    return ", ".join(f"{each.name}={each.path}" for each in training.data)
