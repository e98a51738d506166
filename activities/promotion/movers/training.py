"""Have a version trained at a stage by its pipeline: the run is submitted once, followed, and its bundle recorded."""

from collections.abc import Mapping
from typing import Any

from activities.training_runs import (
    COMMIT,
    TrainingRun,
    ending,
    lineage_tags,
    look_at_run,
    stop_run,
    submit_run,
    training_metrics,
)
from shared import contracts as c
from shared.application.promotion.planning import place_folder, read_bundle, refuse_incomplete
from shared.application.promotion.stage_training import require_same_data, sign_trained, trained_at
from shared.application.promotion.standing import askers_of
from shared.clients import Clients
from shared.domain.failures import PutOff, Refused
from shared.domain.inference.runs import JobState
from shared.domain.promotion.training import Trained, TrainingPlan
from shared.ports import Shelf
from shared.records import paths
from shared.records.promotion import record_origin


class TrainModel:
    """Implements `Mover`: undoing cancels the run, leaves the reason on it, and removes its output."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        """The run's name alone: the run and its folder belong to this promotion, so nothing of others can be there."""
        return {"run": _run(clients, order).name}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        training, run, key = _training(order), _run(clients, order), f"{order.key}.asked"
        # Before the run is asked for, and once more when it has ended, but not at each look: the comparison lists whole
        # folders (docs/decisions/0008).
        if clients.ledger.find(key) is None:
            require_same_data(clients.hub, training)
            _require_same_storage(clients, training)
        try:
            submitted = submit_run(clients, key, run, _data(order, training), _tags(order, training))
        except PutOff as later:
            return f"a training run ({later})"
        state, run_seen = look_at_run(clients, run, submitted.id)
        if state is JobState.ACTIVE:
            return f"training run {run_seen.id} ({run_seen.status})"
        if state is not JobState.COMPLETED:
            raise Refused(f"training run {run_seen.id} {ending(run_seen)}")
        _collect(clients, order, run, run_seen.id)
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        del before  # The run's name, which the order gives again.
        run = _run(clients, order)
        run_id = stop_run(clients, run, order.because or f"{order.promotion.id} was taken back")
        if run_id and look_at_run(clients, run, run_id)[0] is JobState.ACTIVE:
            return f"training run {run_id} to end"  # Until then it may still write.
        output = Shelf(place=run.rules.pipeline.workspace, folder=run.output, asset=order.plan.model)
        for file in list(clients.bundles.files(output)):
            clients.bundles.delete(output, file.path)
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        """What it has trained is registered by the next move; here only the statement of it is demanded."""
        trained = trained_at(clients.statements, order.promotion.id, order.stage)
        return "" if trained is not None else f"nobody says what {order.stage} has trained"


def _collect(clients: Clients, order: c.MoveOrder, run: TrainingRun, run_id: str) -> None:
    """Record the bundle that the run made, once. Refused where the data have changed since: nobody knows its data."""
    if trained_at(clients.statements, order.promotion.id, order.stage) is not None:
        return
    training, model = _training(order), order.plan.model
    require_same_data(clients.hub, training)
    bundle = read_bundle(clients.bundles, *run.shelves(model))
    refuse_incomplete(model, order.plan.kind, bundle, f"let the pipeline write it to {run.output}")
    lineage = _lineage(clients, order, run, run_id)
    trained = Trained(run=run_id, output=run.output, contents=bundle.files, lineage=lineage)
    facts = {"promotion": order.promotion.id, "run": run_id, "digest": bundle.digest, **lineage}
    clients.audit.append(f"{order.key}.trained", "trained", str(model), "signalbox", facts)
    askers = askers_of(clients.store, order.promotion, order.plan.digest)
    record_origin(clients.store, clients.audit, str(model), bundle.digest, order.promotion.id, askers)
    # Signed last: a repeat takes the statement for the whole, so the log and the origins are written by then.
    sign_trained(clients.statements, order, trained, bundle.digest, clients.clock.now())


def _lineage(clients: Clients, order: c.MoveOrder, run: TrainingRun, run_id: str) -> dict[str, str]:
    """Data, recipe and the version that it was trained for; the commit of that version where the run names none."""
    training = _training(order)
    tags = {
        "signalbox.source": _source(order),
        "signalbox.data": _data_paths(training),
        "signalbox.data_version": ", ".join(folder.digest.removeprefix("sha256:")[:16] for folder in training.data),
        "signalbox.parameters": ", ".join(f"{name}={value}" for name, value in training.rules.parameters.items()),
        COMMIT: order.plan.lineage.get(COMMIT, ""),
    }
    return lineage_tags(clients, run, run_id, tags, training_metrics(clients, run, run_id))


def _training(order: c.MoveOrder) -> TrainingPlan:
    if order.at.training is None:
        raise Refused(f"stage {order.stage} trains nothing: {order.move.value} has no place there")
    return order.at.training


def _run(clients: Clients, order: c.MoveOrder) -> TrainingRun:
    promotion, stage = order.promotion.id, order.stage
    return TrainingRun(
        owner=f"{promotion}-{stage}",
        rules=_training(order).rules,
        hub=clients.configuration.hub,
        folder=paths.stage_training(promotion, stage),
    )


def _require_same_storage(clients: Clients, training: TrainingPlan) -> None:
    """Refused where a datastore leads elsewhere than to the container whose files are pinned: the job reads it."""
    for folder, pinned in zip(training.rules.data, training.data, strict=True):
        container = folder.path.partition("/")[0]
        planned = (clients.configuration.account_of(container), container)
        storage = clients.data_assets.storage(training.rules.pipeline.workspace, folder.datastore)
        if tuple(map(str.lower, storage)) != tuple(map(str.lower, planned)):
            where = f"is {'/'.join(storage)}, and {pinned.path} lies in {'/'.join(planned)}"
            raise Refused(f"datastore {folder.datastore} of training data {pinned.name!r} {where}; name its datastore")


def _data(order: c.MoveOrder, training: TrainingPlan) -> dict[str, str]:
    """The pinned folders, and the version's own bundle for a pipeline that takes it."""
    folders = {folder.name: folder.folder for folder in training.data}
    if training.rules.bundle:
        folders[training.rules.bundle] = place_folder(order.plan.model, order.plan.digest)
    return folders


def _tags(order: c.MoveOrder, training: TrainingPlan) -> dict[str, str]:
    return {
        "signalbox.model": str(order.plan.model),
        "signalbox.promotion": order.promotion.id,
        "signalbox.source": _source(order),
        "signalbox.data": _data_paths(training),
    }


def _source(order: c.MoveOrder) -> str:
    return f"{order.plan.origin.name}/{order.plan.model} ({order.plan.digest})"


def _data_paths(training: TrainingPlan) -> str:
    return ", ".join(f"{folder.name}={folder.path}" for folder in training.data)
