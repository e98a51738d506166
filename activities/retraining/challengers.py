"""Judge what a run of training has made against the champion of this moment, and register what is better.

The challenger's predictions are those that its pipeline wrote for the hold-out it was given without answers; they count
only if they are for exactly those rows. What climbs further is measured again, deployed, by the gates of its stages.
"""

from dataclasses import asdict
from typing import Any

from activities.effects import once, stamp
from activities.promotion.evidence import Online
from activities.promotion.holdout_rows import HoldoutRows, read_rows, require_every, table_of
from activities.promotion.holdouts import evaluate
from activities.promotion.keyed_columns import KeyedColumn
from activities.retraining.claims import champion_of, stage_of
from activities.retraining.training import cancelled_by, datastore_path, output_folder
from shared import contracts as c
from shared.application.promotion.holdout_looks import take_look
from shared.application.promotion.planning import read_bundle
from shared.clients import Clients
from shared.codec import UndecodableError, decode, encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.gates import GateOutcome, judge
from shared.domain.gates.evidence import Evaluation, Evidence
from shared.domain.promotion.bundles import EXTRAS, MODEL
from shared.domain.promotion.models import BUNDLE, ModelVersion
from shared.domain.statistics.looks import Look
from shared.ports import RegisteredModel, Shelf
from shared.records import paths
from shared.records.promotion import record_origin
from shared.records.retraining import RecordedTrial, find_trial
from shared.records.store import RecordStore, read_json

RUN = "signalbox.run"  # The tag of a model with the run that trained it.
_OUTCOMES = {
    GateOutcome.PASS: c.RetrainingOutcome.BETTER,
    GateOutcome.FAIL: c.RetrainingOutcome.NOT_BETTER,
    GateOutcome.INCONCLUSIVE: c.RetrainingOutcome.INCONCLUSIVE,
}
_COMMIT = "code_commit"
_TAG = 250


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
    request, rules = trial.request, trial.request.rules
    if ordered := cancelled_by(clients, request):
        return c.ChallengerJudged(outcome=c.RetrainingOutcome.CANCELLED, because=ordered)
    holdout = clients.configuration.ladder.promotable(rules.model).holdout
    rows = read_rows(clients, holdout)
    if rows.digest != trial.sets.digest:
        raise Refused(f"the hold-out {holdout.path} was replaced while {request.run} trained: its predictions are void")
    challenger = _predictions(clients, request, rows)
    champion = champion_of(clients, rules)
    against = _champion_predictions(clients, request, rows, champion.deployment) if champion.deployment else None
    digest = read_bundle(clients.bundles, *_shelves(request, ModelVersion(name=rules.model, version="0"))).digest
    look = None if against is None else _look(clients, rules.model, rows, digest)
    evaluation = evaluate(rows, [rules.gate.options], champion.model, against, challenger, look)
    evidence = Evidence(at=clients.clock.now(), evaluation=evaluation)
    verdict = judge((rules.gate,), evidence)[0]
    judged = c.ChallengerJudged(
        outcome=_OUTCOMES[verdict.outcome],
        because=verdict.because,
        digest=digest,
        champion=champion.model,
        metrics=_metrics(clients, trial) | evaluation.values,
    )
    _keep(clients, trial, judged, {"evidence": encode(evidence), "verdict": encode(verdict)})
    return judged


def _look(clients: Clients, model: str, rows: HoldoutRows, digest: str) -> Look:
    return take_look(clients.store, model, rows.holdout, rows.version, digest, clients.clock.now())


def _keep(clients: Clients, trial: c.ChallengerTrial, judged: c.ChallengerJudged, measured: dict[str, Any]) -> None:
    request = trial.request
    record = RecordedTrial(
        **measured,
        digest=judged.digest,
        champion=judged.champion,
        champion_at_start=request.champion,
        metrics=judged.metrics,
        at=stamp(clients),
    )
    path = paths.retraining_part(request.run, "evaluation.json")
    RecordStore(clients.hub, request.hub.state).create(path, record)
    facts = {"run": request.run, **asdict(judged), "champion_at_start": request.champion}
    clients.audit.append(trial.key, "challenger judged", request.rules.model, "signalbox", facts)


def _predictions(clients: Clients, request: c.RetrainingRun, rows: HoldoutRows) -> Any:
    """The challenger's, in the order of the hold-out. Refused where they are not for exactly its rows."""
    import numpy as np

    path, key = f"{output_folder(request)}/predictions.csv", rows.holdout.key
    written = clients.hub.find(request.hub.staging, path)
    if written is None:
        raise Refused(f"the pipeline wrote no predictions.csv to {request.hub.staging}/{output_folder(request)}")
    classes = rows.holdout.classes
    table = table_of(clients, written, None if classes else rows.table.vocabulary)
    if table.header[:1] != (key,) or (table.header[1:] != classes if classes else len(table.header) != 2):
        wanted = f"a column for each of {', '.join(classes)}" if classes else "the prediction"
        raise Refused(f"predictions.csv has the columns {list(table.header)}; write {key} and {wanted}")
    columns = [KeyedColumn(table.pairs(key, name)) for name in table.header[1:]]
    given = columns[0]
    places = np.concatenate([given.places(keys) for keys in rows.key_batches()])
    missing, named = int((places < 0).sum()), len(np.unique(places[places >= 0]))
    strange, repeated = len(given) - named, len(places) - missing - named
    if missing or strange or repeated:
        raise Refused(
            f"predictions.csv is not of the hold-out's {len(places)} rows: {len(given)} lines,"
            f" {missing} rows are missing, {strange} are strange, {repeated} have another row's {key}"
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
    return online.predictions(deployment, rows)


def _metrics(clients: Clients, trial: c.ChallengerTrial) -> dict[str, float]:
    """What the run logged, and what it wrote to metrics.json: its own words, beside what was measured here."""
    request = trial.request
    logged = dict(clients.pipelines.metrics(request.rules.pipeline, trial.id))
    written = _written(clients, request, "metrics.json")
    numbers = {name: float(value) for name, value in written.items() if isinstance(value, int | float)}
    return {f"training.{name}": value for name, value in (logged | numbers).items()}


def _written(clients: Clients, request: c.RetrainingRun, name: str) -> dict[str, Any]:
    """The object that the pipeline wrote to the file *name*, empty where it wrote none. Refused where it is none."""
    raw = clients.hub.read(request.hub.staging, f"{output_folder(request)}/{name}") or b"{}"
    try:
        content = read_json(raw)
    except UndecodableError as error:
        raise Refused(f"the pipeline's {name} is not JSON: {error.__cause__}") from error
    if not isinstance(content, dict):
        raise Refused(f"the pipeline's {name} is no JSON object")
    return content


def _register(clients: Clients, registration: c.ChallengerRegistration) -> c.ChallengerRegistered:
    request, rules = registration.request, registration.request.rules
    workspace = rules.pipeline.workspace
    if ordered := cancelled_by(clients, request):
        raise Refused(ordered)
    model = _version(clients, request)
    shelf, extras = _shelves(request, model)
    digest = read_bundle(clients.bundles, shelf, extras).digest
    if digest != registration.judged.digest:
        judged = registration.judged.digest
        raise Refused(f"{request.run} wrote other files after it was judged: {digest}, not {judged}")
    clients.models.register(
        workspace,
        RegisteredModel(
            model=model,
            folder=shelf.folder,
            tags={BUNDLE: extras.folder, **_lineage(clients, registration)},
        ),
    )
    record_origin(clients.store, digest, request.run, request.askers)
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
    for there in clients.models.versions(request.rules.pipeline.workspace, name):
        if there.tags.get(RUN) == request.run:
            return there.model
        number = there.model.version
        greatest = max(greatest, int(number) if number.isdigit() else 0)
    return ModelVersion(name=name, version=str(greatest + 1))


def _lineage(clients: Clients, registration: c.ChallengerRegistration) -> dict[str, str]:
    """Run, data, code, metrics: what the ladder carries along, and what people look for."""
    request, judged = registration.request, registration.judged
    sets = ", ".join(f"{request.rules.model}-{each.name}:{each.version}" for each in registration.sets.sets)
    commit = str(_written(clients, request, "lineage.json").get(_COMMIT, ""))
    metrics = {f"signalbox.metric.{name}": f"{value:.6g}" for name, value in list(judged.metrics.items())[:20]}
    tags = {
        RUN: request.run,
        "signalbox.training": registration.id,
        "signalbox.data": sets,
        "signalbox.data_version": ", ".join(each.version for each in registration.sets.sets),
        "azureml.git.commit": commit,
        "signalbox.because": judged.because,
        **metrics,
    }
    return {name: value[:_TAG] for name, value in tags.items() if value}


def _promotion(registration: c.ChallengerRegistration, model: ModelVersion, target: str) -> c.Promotion:
    """By the id that a flag or an event would give it: whoever is first starts it, and it has one effect."""
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


def _shelves(request: c.RetrainingRun, model: ModelVersion) -> tuple[Shelf, Shelf]:
    """Where the pipeline left the model and what travels with it."""
    place, root = request.rules.pipeline.workspace, datastore_path(request, output_folder(request))
    shelf = Shelf(place=place, folder=f"{root}/{MODEL}", asset=model)
    return shelf, Shelf(place=place, folder=f"{root}/{EXTRAS}", asset=model)
