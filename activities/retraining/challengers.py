"""Judge what a run of training has made against the champion of this moment, and register what is better.

The challenger's predictions are those that its pipeline wrote for the hold-out it was given without answers; they count
only if they are for exactly those rows. What climbs further is measured again, deployed, by the gates of its stages.
"""

from dataclasses import asdict
from typing import Any

from activities.effects import once, stamp
from activities.promotion.evidence import Online
from activities.promotion.holdout.keyed_columns import KeyedColumn
from activities.promotion.holdout.metrics import contributions_of, evaluate
from activities.promotion.holdout.rows import HoldoutRows, read_rows, require_every, table_of
from activities.retraining.claims import champion_of, stage_of
from activities.retraining.training import cancelled_by, training_run
from activities.training_runs import TrainingRun, lineage_tags, training_metrics
from shared import contracts as c
from shared.application.promotion.holdout.looks import count_holdout_look
from shared.application.promotion.planning import read_bundle
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.gates import GateOutcome, judge_gates
from shared.domain.gates.evidence import Evaluation, Evidence
from shared.domain.promotion.models import BUNDLE, ModelVersion
from shared.domain.statistics.looks import Look
from shared.ports import RegisteredModel
from shared.records import paths
from shared.records.promotion import record_origin
from shared.records.retraining import RecordedTrial, find_trial
from shared.records.store import RecordStore

RUN = "signalbox.run"  # The tag of a model with the run that trained it.
_OUTCOMES = {
    GateOutcome.PASS: c.RetrainingOutcome.BETTER,
    GateOutcome.FAIL: c.RetrainingOutcome.NOT_BETTER,
    GateOutcome.INCONCLUSIVE: c.RetrainingOutcome.INCONCLUSIVE,
}


def judge_challenger(clients: Clients, trial: c.ChallengerTrial) -> c.ChallengerJudged:
    """The verdict is history from here on, and its evidence a record."""
    return once(clients, trial.key, c.ChallengerJudged, lambda: _judge(clients, trial))


def register_challenger(clients: Clients, registration: c.ChallengerRegistration) -> c.ChallengerRegistered:
    """The next version where the pipeline ran, with its lineage in tags; and the promotions that follow."""
    return once(clients, registration.key, c.ChallengerRegistered, lambda: _register(clients, registration))


def recorded_evaluation(clients: Clients, run: str, digest: str) -> Evaluation | None:
    """What run *run* has measured of the bundle *digest*; None where it has judged another one, or none."""
    trial = find_trial(clients.store, run)
    return decode(Evidence, trial.evidence).evaluation if trial and trial.digest == digest else None


def _judge(clients: Clients, trial: c.ChallengerTrial) -> c.ChallengerJudged:
    request, rules, run = trial.request, trial.request.rules, training_run(trial.request)
    if order := cancelled_by(clients, request):
        return c.ChallengerJudged(outcome=c.RetrainingOutcome.CANCELLED, because=order)
    holdout = clients.configuration.ladder.promotable(rules.model).holdout
    rows = read_rows(clients, holdout)
    # The pipeline answered the old rows. Comparing its answers with new ones would pair different rows.
    if rows.digest != trial.sets.digest:
        raise Refused(f"the hold-out {holdout.path} was replaced while {request.run} trained: its predictions are void")
    challenger = _predictions(clients, run, rows)
    champion = champion_of(clients, rules)
    against = _champion_predictions(clients, request, rows, champion.deployment) if champion.deployment else None
    # The number of the version is not known yet, and the digest does not depend on it.
    digest = read_bundle(clients.bundles, *run.shelves(ModelVersion(name=rules.model, version="0"))).digest
    look = None if against is None else _look(clients, rules.model, rows, digest)
    own = contributions_of(clients, rows, [rules.gate])
    evaluation = evaluate(rows, [rules.gate.options], champion.model, against, challenger, look, own)
    evidence = Evidence(at=clients.clock.now(), evaluation=evaluation)
    verdict = judge_gates((rules.gate,), evidence)[0]
    judgement = c.ChallengerJudged(
        outcome=_OUTCOMES[verdict.outcome],
        because=verdict.because,
        digest=digest,
        champion=champion.model,
        metrics=training_metrics(clients, run, trial.id) | evaluation.values,
    )
    _keep(clients, trial, judgement, {"evidence": encode(evidence), "verdict": encode(verdict)})
    return judgement


def _look(clients: Clients, model: str, rows: HoldoutRows, digest: str) -> Look:
    return count_holdout_look(clients.store, model, rows.holdout, rows.version, digest, clients.clock.now())


def _keep(
    clients: Clients, trial: c.ChallengerTrial, judgement: c.ChallengerJudged, measurements: dict[str, Any]
) -> None:
    request = trial.request
    record = RecordedTrial(
        **measurements,
        digest=judgement.digest,
        champion=judgement.champion,
        champion_at_start=request.champion,
        metrics=judgement.metrics,
        at=stamp(clients),
    )
    path = paths.retraining_part(request.run, "evaluation.json")
    RecordStore(clients.hub, request.hub.state).create(path, record)
    facts = {"run": request.run, **asdict(judgement), "champion_at_start": request.champion}
    clients.audit.append(trial.key, "challenger judged", request.rules.model, "signalbox", facts)


def _predictions(clients: Clients, run: TrainingRun, rows: HoldoutRows) -> Any:
    """The challenger's, in the order of the hold-out. Refused where they are not for exactly its rows."""
    import numpy as np

    staging, key, classes = run.hub.staging, rows.holdout.key, rows.holdout.classes
    blob = clients.hub.find(staging, f"{run.folder}/predictions.csv")
    if blob is None:
        raise Refused(f"the pipeline wrote no predictions.csv to {staging}/{run.folder}")
    table = table_of(clients, blob, None if classes else rows.table.vocabulary)
    if table.header[:1] != (key,) or (table.header[1:] != classes if classes else len(table.header) != 2):
        columns_needed = f"a column for each of {', '.join(classes)}" if classes else "the prediction"
        raise Refused(f"predictions.csv has the columns {list(table.header)}; write {key} and {columns_needed}")
    columns = [KeyedColumn(table.pairs(key, name)) for name in table.header[1:]]
    lines = len(columns[0])
    places = np.concatenate([columns[0].places(keys) for keys in rows.key_batches()])
    # Exactly the rows of the hold-out count. Rows left out or invented by the pipeline would change the metric unseen.
    missing, matches = int((places < 0).sum()), len(np.unique(places[places >= 0]))
    strange, repeats = lines - matches, len(places) - missing - matches
    if missing or strange or repeats:
        raise Refused(
            f"predictions.csv is not of the hold-out's {counted(len(places), 'row')}: {counted(lines, 'line')},"
            f" {counted(missing, 'row is', 'rows are')} missing, {counted(strange, 'is', 'are')} strange,"
            f" {counted(repeats, 'has', 'have')} another row's {key}"
        )
    values = np.stack([column.values[places] for column in columns], axis=1)
    require_every(values, "predictions.csv")
    return values if classes else values[:, 0]


def _champion_predictions(clients: Clients, request: c.RetrainingRun, rows: HoldoutRows, deployment: str) -> Any:
    """Asked of the champion's endpoint now."""
    stage = stage_of(clients, request.rules)
    assert stage is not None
    assert stage.environment is not None  # A champion serves in one.
    online = Online(clients, stage.environment, stage.serving.online)
    return online.predictions([deployment], rows)[0]


def _register(clients: Clients, registration: c.ChallengerRegistration) -> c.ChallengerRegistered:
    request, rules = registration.request, registration.request.rules
    workspace, run = rules.pipeline.workspace, training_run(request)
    if order := cancelled_by(clients, request):
        raise Refused(order)
    model = _version(clients, request)
    shelf, extras = run.shelves(model)
    digest = read_bundle(clients.bundles, shelf, extras).digest
    # The folder is not locked between the two steps. Without this, files that nobody judged could be registered.
    if digest != registration.judged.digest:
        judged_digest = registration.judged.digest
        raise Refused(f"{request.run} wrote other files after it was judged: {digest}, not {judged_digest}")
    lineage = _lineage(clients, registration, run)
    registered_model = RegisteredModel(model=model, folder=shelf.folder, tags={BUNDLE: extras.folder, **lineage})
    clients.models.register(workspace, registered_model)
    record_origin(clients.store, clients.audit, str(model), digest, request.run, request.askers)
    facts = {"run": request.run, "digest": digest, "workspace": workspace.name}
    clients.audit.append(registration.key, "challenger registered", str(model), "signalbox", facts)
    tags = {"signalbox.challenger": str(model), "signalbox.digest": digest}
    clients.pipelines.tag(rules.pipeline, registration.id, tags)
    return c.ChallengerRegistered(
        model=model,
        entering=_promotion(registration, model, rules.candidate) if rules.candidate else None,
        climbing=_promotion(registration, model, rules.promote_to) if rules.promote_to else None,
    )


def _version(clients: Clients, request: c.RetrainingRun) -> ModelVersion:
    """The version that this run has registered, or the number after the greatest: 10 comes after 9."""
    name, greatest = request.rules.model, 0
    for registered_model in clients.models.taken_versions(request.rules.pipeline.workspace, name):
        if registered_model.tags.get(RUN) == request.run:
            return registered_model.model
        number = registered_model.model.version
        greatest = max(greatest, int(number) if number.isdigit() else 0)
    return ModelVersion(name=name, version=str(greatest + 1))


def _lineage(clients: Clients, registration: c.ChallengerRegistration, run: TrainingRun) -> dict[str, str]:
    """Run, data and verdict: what the ladder carries along, and what people look for."""
    request, judgement, sets = registration.request, registration.judged, registration.sets.sets
    tags = {
        RUN: request.run,
        "signalbox.data": ", ".join(
            f"{request.rules.model}-{training_set.name}:{training_set.version}" for training_set in sets
        ),
        "signalbox.data_version": ", ".join(training_set.version for training_set in sets),
        "signalbox.because": judgement.because,
    }
    return lineage_tags(clients, run, registration.id, tags, judgement.metrics)


def _promotion(registration: c.ChallengerRegistration, model: ModelVersion, target: str) -> c.Promotion:
    """The promotion with the id that a flag or an event would give it, so that only the first of them starts it."""
    request = registration.request
    return c.Promotion(
        id=identity.promotion_id(model.name, model.version, target),
        model=model,
        source=request.rules.pipeline.workspace.name,
        target=target,
        requested_by=f"retraining {request.run}",
        reason=registration.judged.because[:500],
        asked_by=request.asked_by,
        named=request.named,
        nameless=request.nameless,
        automatic=request.askers.automatic,
    )
