"""Assembles the Azure ML emulator: Resource Manager, registries, scoring, and the control doors for tests."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.assets.doors import AssetDoors
from signalbox.emulators.azure_ml.assets.registries import RegistryDoors
from signalbox.emulators.azure_ml.assets.versions import AssetStore, Publish
from signalbox.emulators.azure_ml.batch.endpoints import ArmDoors
from signalbox.emulators.azure_ml.batch.scoring import ScoringDoors
from signalbox.emulators.azure_ml.batch.work import BatchWork
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import Check, Entrance, refusal_middleware
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.estate import Estate, Scope
from signalbox.emulators.azure_ml.faults import FaultBox
from signalbox.emulators.azure_ml.jobs import JobQueue
from signalbox.emulators.azure_ml.online.answers import Answers
from signalbox.emulators.azure_ml.online.changes import EndpointChanges
from signalbox.emulators.azure_ml.online.collector import Collector
from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.azure_ml.online.deployments import DeploymentDoors
from signalbox.emulators.azure_ml.online.endpoints import OnlineDoors
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.online.quota import QuotaDoors
from signalbox.emulators.azure_ml.online.routing import Router
from signalbox.emulators.azure_ml.online.scoring import OnlineScoringDoors, OnlineService
from signalbox.emulators.azure_ml.online.throttle import Throttle
from signalbox.emulators.azure_ml.online.traffic import RequestSink
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.pipelines.published import PublishedDoors
from signalbox.emulators.azure_ml.pipelines.runs import PipelineRuns
from signalbox.emulators.azure_ml.pipelines.training import TrainingWork
from signalbox.emulators.azure_ml.resource_manager.datastores import DatastoreDoors
from signalbox.emulators.azure_ml.resource_manager.inspection import InspectionDoors, Shown
from signalbox.emulators.azure_ml.resource_manager.locks import Locks
from signalbox.emulators.azure_ml.resource_manager.workspaces import WorkspaceDoors
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.snapshot import Snapshot
from signalbox.emulators.azure_ml.tracking.artifact_doors import ArtifactDoors
from signalbox.emulators.azure_ml.tracking.artifacts import Artifacts
from signalbox.emulators.azure_ml.tracking.doors import TrackingDoors
from signalbox.emulators.azure_ml.tracking.history import History
from signalbox.emulators.azure_ml.tracking.logged_models import LoggedModelDoors
from signalbox.emulators.azure_ml.tracking.model_registry import ModelRegistryDoors
from signalbox.emulators.azure_ml.tracking.run_history import RunHistoryDoors
from signalbox.emulators.azure_ml.tracking.tracked import TrackedRuns
from signalbox.emulators.clock import EmulatorClock
from signalbox.emulators.resource_manager.manager import ResourceManager
from signalbox.emulators.unserved import unserved


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMlOptions:
    """*base_url*: where this emulator answers; *blob_service*: the address of storage before an account's name.

    *token_for* makes a token for an audience; *publish* gets the workspaces' events, *requests* what endpoints answer.
    *neighbours* are doors of other services that lie in Resource Manager too; *manager* makes Resource Manager itself.
    """

    state: Path
    base_url: str
    tenant: str
    estate: Estate
    blob_service: str
    account_keys: Mapping[str, str]
    ca: Path
    token_for: Callable[[str], str]
    check: Check
    publish: Publish
    clock: EmulatorClock
    requests: RequestSink
    inspection: Shown = field(default_factory=Shown)
    neighbours: Sequence[Any] = ()
    manager: Callable[[Locks], ResourceManager]


def create_app(options: AzureMlOptions) -> web.Application:
    """The application; `app["effects"]()` counts what was done, by kind and name."""
    resources = Resources(options.state / "emulators" / "azure_ml.db")
    blobs = Blobs(options.blob_service, options.ca, options.token_for, options.account_keys)
    faults, locks, names = FaultBox(), Locks(resources), EndpointNames(resources)
    entrance = Entrance(estate=options.estate, check=options.check, base_url=options.base_url)
    operations = Operations(entrance, resources)
    assets = AssetStore(resources, options.estate, options.publish)
    history = History(resources)
    artifacts = Artifacts(options.state / "jobs", options.estate, blobs)
    work_context = (options.state / "jobs", resources, options.estate, blobs, history, artifacts)
    scoring, training = BatchWork(*work_context), TrainingWork(*work_context, assets, _tracking_addresses(options))
    jobs = JobQueue(resources, faults, {"scoring": scoring, "training": training}, artifacts.keep_log)
    runs = PipelineRuns(entrance, jobs, training)
    conditions = Conditions(options.clock)
    fleet = Fleet(options.state / "online", resources, options.estate, blobs, operations, conditions, options.clock)
    changes = EndpointChanges(resources, options.estate, operations, conditions, options.clock)
    collector = Collector(resources, options.estate, blobs, conditions)
    online = _online_service(options, fleet, collector, conditions)
    registries = RegistryDoors(entrance, options.tenant, assets, blobs, operations)
    manager = options.manager(locks)
    app = web.Application(client_max_size=64 * 1024**2, middlewares=_middlewares(faults, locks, manager))
    app.cleanup_ctx.append(_life(artifacts, jobs, registries, fleet, changes, collector))
    doors: list[Any] = [
        faults,
        locks,
        Snapshot(resources),
        operations,
        registries,
        InspectionDoors(entrance, resources, options.inspection),
        WorkspaceDoors(entrance),
        DatastoreDoors(entrance, resources),
        AssetDoors(entrance, assets, blobs),
        ArmDoors(entrance, resources, names, jobs),
        runs,
        PublishedDoors(entrance, resources, jobs, runs),
        *_mlflow_doors(entrance, resources, history, assets, blobs),
        RunHistoryDoors(entrance, jobs, history, artifacts, blobs),
        ScoringDoors(options.check, resources, names, jobs, runs, options.inspection.computes),
        conditions,
        options.clock,
        OnlineDoors(entrance, resources, names, fleet, changes, operations, conditions, options.token_for),
        DeploymentDoors(entrance, resources, fleet, changes, operations, conditions),
        QuotaDoors(entrance, resources, conditions),
        OnlineScoringDoors(options.check, resources, names, online),
    ]
    for door in (*doors, *options.neighbours, manager):
        door.add_to(app)
    app["effects"] = lambda: {"jobs": dict(jobs.creations), **resources.effects()}
    return app


def _middlewares(faults: FaultBox, locks: Locks, manager: ResourceManager) -> list[Any]:
    """The first is the outermost. Resource Manager's own comes before the answer that Azure ML has no such door."""
    return [faults.middleware, refusal_middleware, locks.middleware, manager.middleware, unserved("Azure ML")]


def _mlflow_doors(
    entrance: Entrance, resources: Resources, history: History, assets: AssetStore, blobs: Blobs
) -> list[Any]:
    """The workspace as MLflow's server."""
    return [
        TrackingDoors(entrance, history, TrackedRuns(resources)),
        ArtifactDoors(entrance, blobs),
        LoggedModelDoors(entrance, resources),
        ModelRegistryDoors(entrance, resources, assets),
    ]


def _online_service(
    options: AzureMlOptions, fleet: Fleet, collector: Collector, conditions: Conditions
) -> OnlineService:
    throttle = Throttle(conditions, options.clock)
    return OnlineService(
        fleet=fleet,
        router=Router(conditions),
        answers=Answers(fleet, conditions, throttle),
        throttle=throttle,
        collector=collector,
        requests=options.requests,
        clock=options.clock,
    )


def _tracking_addresses(options: AzureMlOptions) -> Callable[[Scope], Mapping[str, str]]:
    """The environment in which an MLflow client logs on a run."""

    def addresses(scope: Scope) -> dict[str, str]:
        return {
            "MLFLOW_TRACKING_URI": f"{options.base_url}/mlflow/v1.0{scope.id}",
            "MLFLOW_TRACKING_TOKEN": options.token_for("https://ml.azure.com"),
            "REQUESTS_CA_BUNDLE": str(options.ca),
        }

    return addresses


def _life(*parts: Any) -> Callable[[web.Application], AsyncIterator[None]]:
    """Resume the work that a restart interrupted; stop all work at the end."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        for part in parts:
            part.resume()
        yield
        for part in parts:
            await part.stop()

    return running
