"""Work out a promotion before anything happens: it reads, and writes nothing.

What runs later is this very plan; both the HTTP door and the orchestration's first step ask here.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from shared.application.promotion.stage_training import plan_training
from shared.codec import encode
from shared.domain import identity
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.bundles import CODE, ENVIRONMENT, EXTRAS, GOLDEN, MLFLOW_MODEL, MODEL, Bundle, BundleFile
from shared.domain.promotion.ladder import Registry, Stage
from shared.domain.promotion.models import BUNDLE, FLAG, EntryState, ModelVersion
from shared.domain.promotion.plans import Champion, Plan, StagePlan
from shared.domain.teams.ownership import Belonging
from shared.ports import (
    AuditLog,
    BundleStore,
    DataHub,
    EndpointKind,
    Endpoints,
    Models,
    Place,
    RegisteredModel,
    Shelf,
    StoredFile,
)
from shared.records.registry import entry_statement, history_of
from shared.records.statements import Statements

_LINEAGE = (
    "azureml.git.commit",
    "mlflow.source.git.commit",
    "signalbox.data",
    "signalbox.data_version",
    "signalbox.training",
    "signalbox.source",
)
_MOST_FILES, _AT_ONCE = 10_000, 16  # Each file is a request: anybody who may read may ask for a plan.
RELEASABLE = (EntryState.APPROVED.value, EntryState.IN_PRODUCTION.value)
_DATASTORE = "azureml://datastores/workspaceblobstore/paths"


class PlanningClients(Protocol):
    """The clients with which a plan is made."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def models(self) -> Models: ...
    @property
    def bundles(self) -> BundleStore: ...
    @property
    def endpoints(self) -> Endpoints: ...
    @property
    def hub(self) -> DataHub: ...
    @property
    def statements(self) -> Statements: ...
    @property
    def audit(self) -> AuditLog: ...


def plan_promotion(clients: PlanningClients, model: ModelVersion, source: str, target: str) -> Plan:
    """Raises Refused for what can never be promoted this way: the reason names what is missing."""
    configuration = clients.configuration
    promotable = configuration.ladder.promotable(model.name)
    stages = configuration.ladder.way(source, target)
    _refuse_foreign(configuration, model.name, stages)
    origin = configuration.origin(source)
    registered, extras = _registered(clients, model, origin)
    bundle = read_bundle(clients.bundles, *_origin_shelves(origin, model, registered.folder, extras))
    registry = origin if isinstance(origin, Registry) else None
    if registry:
        require_approved(clients.statements, clients.audit, model, bundle.digest)
    refuse_incomplete(model, registered.kind, bundle, f"add it to the folder in tag {BUNDLE}")
    planned_stages = tuple(_stage(clients, stage, registered) for stage in stages)
    for at in planned_stages:
        _refuse_serving(at, identity.deployment_name(model.version, bundle.digest), model)
    return Plan(
        model=model,
        digest=bundle.digest,
        size=bundle.size,
        source=None if isinstance(origin, Registry) else origin,
        registry=registry,
        target=target,
        promotable=promotable,
        stages=planned_stages,
        contents=bundle.files,
        kind=registered.kind,
        folder=registered.folder,
        extras=extras,
        flag=registered.tags.get(FLAG, ""),
        lineage=_lineage(registered),
    )


def _refuse_foreign(configuration: Configuration, model: str, stages: tuple[Stage, ...]) -> None:
    """A flag may name any stage, but a model climbs those of its own team: others deploy behind others' endpoints."""
    team = configuration.team_of(Belonging.MODEL, model)
    for stage in stages:
        if configuration.team_of(Belonging.STAGE, stage.name) != team:
            own = [
                own.name
                for own in configuration.ladder.stages
                if configuration.team_of(Belonging.STAGE, own.name) == team
            ]
            raise Refused(
                f"stage {stage.name!r} is not one that {model} may climb; those are: {', '.join(own) or 'none'}"
            )


def _refuse_serving(at: StagePlan, deployment: str, model: ModelVersion) -> None:
    """A version that serves cannot be compared with itself, nor share the traffic with itself."""
    if at.stage.rollout is not None and at.champion.deployment == deployment:
        raise Refused(f"{model} serves {at.stage.serving.online} already: there is nothing to roll out")


def _stage(clients: PlanningClients, stage: Stage, registered: RegisteredModel) -> StagePlan:
    training = plan_training(clients.models, clients.endpoints, clients.hub, stage, registered)
    return StagePlan(stage=stage, champion=champion_at(clients.endpoints, stage), training=training)


def _registered(clients: PlanningClients, model: ModelVersion, origin: Place) -> tuple[RegisteredModel, str]:
    """The version as it is registered, and the folder of its extras; an entry of the registry has no such folder."""
    registered = require_registered(clients.models.find(origin, model), model, origin)
    extras = registered.tags.get(BUNDLE, "")
    if not extras and isinstance(origin, Workspace):
        raise Refused(f"model {model} has no tag {BUNDLE}; set it to the folder with code/, {ENVIRONMENT} and {GOLDEN}")
    return registered, extras


def require_registered(registered: RegisteredModel | None, model: ModelVersion, origin: Place) -> RegisteredModel:
    """*registered*, as *origin* has *model*. Raises Refused where it has no such version."""
    if registered is None and isinstance(origin, Registry):
        raise Refused(f"model {model} is not in the central registry {origin.name}; promote it there first")
    if registered is None:
        where = f"{origin.name} ({origin.workspace})" if isinstance(origin, Workspace) else origin.name
        raise Refused(f"model {model} is not registered in {where}; register that version there")
    return registered


def plan_digest(plan: Plan) -> str:
    """What people approve when they approve a plan."""
    return canonical_digest(encode(plan))


def read_bundle(store: BundleStore, model: Shelf, extras: Shelf) -> Bundle:
    """Every file of both parts, hashed as it is now, a few at a time. Refused where there are too many."""
    files = [(part, shelf, file) for part, shelf in ((MODEL, model), (EXTRAS, extras)) for file in store.files(shelf)]
    if len(files) > _MOST_FILES:
        raise Refused(
            f"the bundle of {model.asset} has {len(files)} files; put them into archives, {_MOST_FILES} at most"
        )

    def read(place: tuple[str, Shelf, StoredFile]) -> BundleFile:
        part, shelf, file = place
        return BundleFile(part=part, path=file.path, size=file.size, sha256=store.digest(shelf, file.path))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Sorted, since stores list in orders of their own: the digest over all files must be the same wherever the
        # bundle lies.
        return Bundle(files=tuple(sorted(pool.map(read, files))))


def golden_requests(bundles: BundleStore, extras: Shelf, model: ModelVersion) -> Iterator[tuple[Any, Any]]:
    """The requests on the shelf *extras* of *model*, each with the answer recorded for it. Refused for none."""
    lines = list(filter(str.strip, (bundles.read(extras, GOLDEN) or b"").decode(errors="replace").splitlines()))
    if not lines:
        raise Refused(f"the bundle of {model} has no {GOLDEN}, or it is empty")
    for number, line in enumerate(lines, 1):
        try:
            document = json.loads(line)
            pair = document["request"], document["response"]
        except (ValueError, KeyError, TypeError) as error:
            fault = f"request {number} in {GOLDEN} of {model} is no JSON with request and response"
            raise Refused(f"{fault}: {error!r}") from error
        yield pair


def source_shelves(plan: Plan) -> tuple[Shelf, Shelf]:
    """Where the plan's model and extras lie before the first move."""
    return _origin_shelves(plan.origin, plan.model, plan.folder, plan.extras)


def _origin_shelves(origin: Place, model: ModelVersion, folder: str, extras: str) -> tuple[Shelf, Shelf]:
    """An entry of the registry keeps its bytes in two assets, whatever folder it names."""
    if isinstance(origin, Registry):
        return place_shelves(origin, model, "")
    return shelves_at(origin, model, folder, extras)


def require_approved(statements: Statements, audit: AuditLog, model: ModelVersion, digest: str) -> None:
    """Raise Refused unless the deciding key says that the entry *model* with these bytes is approved, or serves."""
    statement = entry_statement(statements, history_of(audit, model), model, [])
    if statement is not None and statement.bundle == digest and statement.state in RELEASABLE:
        return
    state = f"it is {statement.state or 'removed'} with {statement.bundle}" if statement else "nothing is signed of it"
    raise Refused(f"{model} with {digest} is no approved entry of the central registry: {state}")


def stage_shelves(plan: Plan, stage: Stage) -> tuple[Shelf, Shelf]:
    """Where *stage* keeps the plan's bundle: what was trained there stays where it is."""
    place: Place | None = stage.environment or stage.registry
    if plan.source == stage.environment:
        return source_shelves(plan)
    assert place is not None
    return place_shelves(place, plan.model, plan.digest)


def place_shelves(place: Place, model: ModelVersion, digest: str) -> tuple[Shelf, Shelf]:
    """Where *place* keeps a bundle: a folder named by content in a workspace, two assets in the registry."""
    root = place_folder(model, digest) if isinstance(place, Workspace) else ""
    return shelves_at(place, model, f"{root}/{MODEL}" if root else "", f"{root}/{EXTRAS}" if root else "")


def provenance_shelf(place: Place, model: ModelVersion, digest: str) -> Shelf:
    """Where *place* keeps what says where a bundle comes from: beside the bundle, and no part of it."""
    asset = ModelVersion(name=f"{model.name}-provenance", version=model.version)
    folder = f"{place_folder(model, digest)}/provenance" if isinstance(place, Workspace) else ""
    return Shelf(place=place, folder=folder, asset=asset)


def place_folder(model: ModelVersion, digest: str) -> str:
    """The folder of a copied bundle, in the storage of whichever workspace it is in."""
    return f"{_DATASTORE}/signalbox/{model.name}/{model.version}/{digest.removeprefix('sha256:')[:16]}"


def shelves_at(place: Place, model: ModelVersion, folder: str, extras: str) -> tuple[Shelf, Shelf]:
    """The model's shelf and the extras', wherever they are kept in *place*."""
    beside = ModelVersion(name=f"{model.name}-extras", version=model.version)
    return Shelf(place=place, folder=folder, asset=model), Shelf(place=place, folder=extras, asset=beside)


def refuse_incomplete(model: ModelVersion, kind: str, bundle: Bundle, remedy: str) -> None:
    """An MLflow model brings its own code and environment; every model brings golden requests."""
    parts = [(MODEL, "", "the model's files"), (EXTRAS, GOLDEN, "golden requests")]
    if kind != MLFLOW_MODEL:
        parts += [(EXTRAS, CODE, "the scoring code"), (EXTRAS, ENVIRONMENT, "the environment")]
    missing = [f"{what} ({path or 'model files'})" for part, path, what in parts if not bundle.has(part, path)]
    if missing:
        raise Refused(f"the bundle of {model} lacks {', '.join(missing)}; {remedy}")


def champion_at(endpoints: Endpoints, stage: Stage) -> Champion:
    """The deployment that gets most of the endpoint's traffic."""
    if stage.environment is None or not stage.serving.online:
        return Champion()
    endpoint = endpoints.find(stage.environment, EndpointKind.ONLINE, stage.serving.online)
    traffic = endpoint.shares if endpoint else {}
    if not traffic:
        return Champion()
    # Of equal shares the first by name: another order of the same traffic must not be another plan.
    name = max(sorted(traffic), key=lambda deployment: traffic[deployment])
    model = model_of_deployment(endpoints, stage.environment, stage.serving.online, name)
    return Champion(deployment=name, model=model)


def model_of_deployment(
    endpoints: Endpoints, workspace: Workspace, endpoint: str, name: str, kind: EndpointKind = EndpointKind.ONLINE
) -> str:
    """The `name:version` that the deployment *name* serves; empty where there is no such deployment."""
    deployment = endpoints.deployment(workspace, kind, endpoint, name)
    return _model_of(deployment.model) if deployment else ""


def _model_of(asset: str) -> str:
    """`name:version` of the ARM id of a model version."""
    parts = asset.split("/")
    return f"{parts[-3]}:{parts[-1]}" if len(parts) > 3 else asset


def _lineage(registered: RegisteredModel) -> dict[str, str]:
    lineage = {name: registered.properties.get(name) or registered.tags.get(name) or "" for name in _LINEAGE}
    return {name: value for name, value in ({"job": registered.job} | lineage).items() if value}
