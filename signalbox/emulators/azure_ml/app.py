"""Assembles the Azure ML emulator: Resource Manager, registries, batch and online scoring, and the control doors."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.arm import ArmDoors
from signalbox.emulators.azure_ml.asset_doors import AssetDoors
from signalbox.emulators.azure_ml.assets import AssetStore
from signalbox.emulators.azure_ml.blobs import Blobs
from signalbox.emulators.azure_ml.doors import Check, Entrance, refusing
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.estate import Estate, Scope
from signalbox.emulators.azure_ml.faults import FaultBox
from signalbox.emulators.azure_ml.jobs import JobQueue
from signalbox.emulators.azure_ml.locks import Locks
from signalbox.emulators.azure_ml.online import OnlineDoors
from signalbox.emulators.azure_ml.online_scoring import OnlineScoringDoors
from signalbox.emulators.azure_ml.online_servers import OnlineServers
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.registries import RegistryDoors
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.scoring import ScoringDoors
from signalbox.emulators.azure_ml.workspaces import WorkspaceDoors

Publish = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMlOptions:
    """*base_url*: where this emulator answers; *storage*: the address before an account's name; *keys* by account.

    *datastores* that every workspace has: name to (account, container); *token_for* makes a token for an audience.
    """

    state: Path
    base_url: str
    tenant: str
    storage: str
    keys: Mapping[str, str]
    ca: Path
    scopes: Sequence[Scope]
    datastores: Mapping[str, tuple[str, str]]
    token_for: Callable[[str], str]
    check: Check
    publish: Publish


def create_app(options: AzureMlOptions) -> web.Application:
    """The application; `app["effects"]()` counts what was done, by kind and name."""
    resources = Resources(options.state / "emulators" / "azure_ml.db")
    estate = Estate(scopes=tuple(options.scopes), shared=options.datastores)
    blobs = Blobs(options.storage, options.ca, options.token_for, options.keys)
    entrance = Entrance(estate=estate, check=options.check, base_url=options.base_url)
    operations, names = Operations(entrance, resources), EndpointNames(resources)
    assets = AssetStore(resources, estate, options.publish)
    faults, locks = FaultBox(), Locks(resources)
    jobs = JobQueue(options.state / "jobs", resources, estate, blobs, faults)
    servers = OnlineServers(options.state / "online", resources, estate, blobs)
    registries = RegistryDoors(entrance, options.tenant, assets, blobs, operations)
    online = OnlineDoors(entrance, resources, names, servers, operations)
    middlewares = [faults.middleware, refusing, locks.middleware]
    app = web.Application(client_max_size=64 * 1024**2, middlewares=middlewares)
    app.cleanup_ctx.append(_running(jobs, registries, online))
    for doors in (
        faults,
        locks,
        operations,
        WorkspaceDoors(entrance),
        registries,
        AssetDoors(entrance, assets, blobs),
        online,
        ArmDoors(entrance, resources, names, jobs),
        ScoringDoors(options.check, resources, names, jobs),
        OnlineScoringDoors(options.check, resources, names, servers),
    ):
        doors.add_to(app)
    app.router.add_get("/_control/state", _state(resources))
    app["effects"] = lambda: {"jobs": dict(jobs.created), **resources.effects()}
    return app


def _running(jobs: JobQueue, registries: RegistryDoors, online: OnlineDoors) -> Any:
    async def running(_: web.Application) -> AsyncIterator[None]:
        for part in (jobs, registries, online):
            part.resume()
        yield
        for part in (online, registries, jobs):
            await part.stop()

    return running


def _state(resources: Resources) -> Any:
    """Every asset, endpoint and deployment by its path, without what changes by itself: for comparing whole states."""

    async def state(request: web.Request) -> web.Response:
        del request
        found = resources.below("/subscriptions")
        return web.json_response({path: _settled(body) for path, body in found})

    return state


def _settled(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("systemData", "etag")}
