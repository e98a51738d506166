"""Training on the way up, between plan and move: its plan, the run it asks for, and the bundle that then climbs.

What a stage has trained is a signed statement of its promotion: activities that move or measure read the bundle there.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from shared import contracts as c
from shared.codec import encode
from shared.domain import identity
from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.promotion.bundles import EXTRAS, MODEL, Bundle
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.plans import Move, Phase, Plan
from shared.domain.promotion.training import PinnedFolder, Trained, TrainingFolder, TrainingPlan, parameters_of
from shared.domain.retraining.pipelines import Pipeline, PipelineKind
from shared.domain.trust.statements import PredicateKind, Statement
from shared.ports import Blob, DataHub, EndpointKind, Endpoints, Models, RegisteredModel
from shared.records import paths
from shared.records.predicates import TrainedPredicate
from shared.records.statements import ForgedError, Statements

Order = TypeVar("Order", c.MoveOrder, c.StageOrder)


def plan_training(
    models: Models, endpoints: Endpoints, hub: DataHub, stage: Stage, registered: RegisteredModel
) -> TrainingPlan | None:
    """How *stage* will train the version, None where it trains nothing. Refused for what cannot be trained there."""
    if not stage.training or stage.environment is None:
        return None
    model = registered.model
    rules = stage.trains(model.name)
    if models.find(stage.environment, model) is not None:
        raise Refused(f"{model} is already registered in {stage.environment.name}; give the experiment a new version")
    resolved = replace(
        rules, pipeline=_exact(endpoints, rules.pipeline), parameters=parameters_of(rules, model, registered.tags)
    )
    return TrainingPlan(rules=resolved, data=tuple(pin(hub, folder) for folder in rules.data))


def pin(hub: DataHub, folder: TrainingFolder) -> PinnedFolder:
    """The folder as it is now. Refused where it is empty."""
    container, _, path = folder.path.partition("/")
    blobs = sorted(hub.list(container, f"{path}/"), key=lambda blob: blob.path)
    if not blobs:
        raise Refused(f"training data {folder.name!r}: {folder.path} is empty; put the files there")
    return PinnedFolder(
        name=folder.name,
        path=folder.path,
        folder=f"azureml://datastores/{folder.datastore}/paths/{path}",
        files=len(blobs),
        size=sum(blob.size for blob in blobs),
        # Over paths, sizes and eTags, not over the bytes: to hash terabytes for a plan is no option, and any write
        # changes the eTag (docs/decisions/0008).
        digest=f"sha256:{identity.digest(*_facts(blobs), length=64)}",
    )


def require_same_data(hub: DataHub, training: TrainingPlan) -> None:
    """Refused where a folder is not what was planned: what is trained on it would be another model."""
    for folder, planned in zip(training.rules.data, training.data, strict=True):
        current = pin(hub, folder)
        if current.digest != planned.digest:
            before = f"{counted(planned.files, 'file')}, {planned.size} bytes when planned"
            change = f"{before}, {current.files} and {current.size} now"
            raise Refused(f"training data {folder.name!r} ({folder.path}) has changed: {change}; plan again")


def sign_trained(statements: Statements, order: c.MoveOrder, trained: Trained, digest: str, at: datetime) -> None:
    """Say with the deciding key what the order's stage has trained: a bundle with this *digest*. Safe to repeat."""
    predicate = TrainedPredicate(promotion=order.promotion.id, stage=order.stage, move=order.move, trained=trained)
    subjects = {str(order.plan.model): digest}
    statement = Statement(kind=PredicateKind.MOVE, subjects=subjects, at=at, predicate=encode(predicate))
    statements.create(_trained_path(order.promotion.id, order.stage), statement)


def trained_at(statements: Statements, promotion: str, stage: str) -> Trained | None:
    """What *stage* has trained, once it has. Raises ForgedError for what nobody signed."""
    return statements.record(_trained_path(promotion, stage), PredicateKind.MOVE, Trained, "trained")


def carried(statements: Statements, order: Order) -> Order:
    """*order* with the bundle it is about: where its stage trains one, that one takes the place of the planned.

    Raises ForgedError where nobody has signed what was trained: the planned bundle never takes its place.
    """
    if order.at.training is None or not _about_trained(order):
        return order
    trained = trained_at(statements, order.promotion.id, order.stage)
    if trained is None:
        path = _trained_path(order.promotion.id, order.stage)
        raise ForgedError(path, f"nobody says what {order.stage} has trained; promote anew")
    return replace(order, plan=_with(order.plan, order.at.stage, trained))


def _trained_path(promotion: str, stage: str) -> str:
    return paths.statement_of(identity.promotion_key(promotion, f"{stage}/trained.json"))


def _about_trained(order: c.MoveOrder | c.StageOrder) -> bool:
    """The experiment's own bundle is copied and trained from, and judged on the way in."""
    if isinstance(order, c.StageOrder):
        return order.phase is Phase.EXIT
    return order.move not in (Move.COPY_BUNDLE, Move.TRAIN_MODEL)


def _with(plan: Plan, stage: Stage, trained: Trained) -> Plan:
    bundle = Bundle(files=trained.contents)
    assert stage.environment is not None
    return replace(
        plan,
        digest=bundle.digest,
        size=bundle.size,
        contents=bundle.files,
        source=stage.environment,
        folder=f"{trained.output}/{MODEL}",
        extras=f"{trained.output}/{EXTRAS}",
        lineage=trained.lineage,
    )


def _exact(endpoints: Endpoints, pipeline: Pipeline) -> Pipeline:
    """An endpoint's default deployment is resolved now: what it becomes later is another pipeline."""
    if pipeline.kind is not PipelineKind.ENDPOINT or pipeline.deployment:
        return pipeline
    endpoint = endpoints.find(pipeline.workspace, EndpointKind.BATCH, pipeline.name)
    if endpoint is None or not endpoint.default:
        where = pipeline.workspace.name
        raise Refused(f"pipeline endpoint {pipeline.name} in {where} has no default deployment; deploy the pipeline")
    return replace(pipeline, deployment=endpoint.default)


def _facts(blobs: list[Blob]) -> Iterator[str]:
    for blob in blobs:
        yield from (blob.path, str(blob.size), blob.etag)
