"""Assembles the Azure DevOps emulator: tasks, pipelines, approvals, checks, service hooks and pull requests."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Claims, Gatehouse, Handler, refusal_middleware
from signalbox.emulators.azure_devops.calls import Caller
from signalbox.emulators.azure_devops.doors.approvals import ApprovalDoors
from signalbox.emulators.azure_devops.doors.checks import CheckDoors
from signalbox.emulators.azure_devops.doors.control import ControlDoors
from signalbox.emulators.azure_devops.doors.git import GitDoors
from signalbox.emulators.azure_devops.doors.pipelines import PipelineDoors
from signalbox.emulators.azure_devops.doors.pushes import PushDoors
from signalbox.emulators.azure_devops.doors.set_up import SetUpDoors
from signalbox.emulators.azure_devops.doors.tasks import TaskDoors
from signalbox.emulators.azure_devops.estate import Organisation
from signalbox.emulators.azure_devops.hooks import HookDoors, Hooks
from signalbox.emulators.azure_devops.outages import Outage
from signalbox.emulators.azure_devops.runs import Runs
from signalbox.emulators.azure_devops.store import Store
from signalbox.emulators.unserved import unserved

_ACCOUNT = "00000000-0000-0000-0000-0000000000d0"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureDevOpsOptions:
    """*claims* gives a living token's claims for one of several audiences; *time_scale* shortens waits for retries."""

    state: Path
    organisation: Organisation
    claims: Claims
    time_scale: float = 1.0


def create_app(options: AzureDevOpsOptions) -> web.Application:
    store = Store(options.state / "emulators" / "azure_devops.db")
    gatehouse = Gatehouse(store, options.organisation, options.claims)
    hooks = Hooks(store, _ACCOUNT, options.time_scale)
    caller = Caller(store, options.organisation, gatehouse.issue, hooks.announce)
    runs = Runs(store, options.organisation, caller, hooks.announce)
    outage = Outage(store)
    app = web.Application(
        client_max_size=4 * 1024**2,
        middlewares=[_counting(store), outage.middleware, unserved("Azure DevOps"), refusal_middleware],
    )
    app.cleanup_ctx.append(_life(hooks, runs))
    doors: list[Any] = [
        ControlDoors(gatehouse, store, runs),
        TaskDoors(gatehouse, store, runs),
        PipelineDoors(gatehouse, store, runs),
        ApprovalDoors(gatehouse, store, runs, caller),
        CheckDoors(gatehouse, store),
        SetUpDoors(gatehouse, store),
        PushDoors(gatehouse, store),
        HookDoors(gatehouse, store),
        outage,
        GitDoors(gatehouse, store, hooks.announce),
    ]
    for door in doors:
        door.add_to(app)
    return app


def _counting(store: Store) -> Any:
    """Every request from outside the emulator's own doors, by method, so that tests of attacks can measure them."""

    @web.middleware
    async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/_control/"):
            store.count("requests", request.method)
        return await handler(request)

    return counting


def _life(hooks: Hooks, runs: Runs) -> Callable[[web.Application], AsyncIterator[None]]:
    """Resume the work that a restart interrupted; stop all work at the end."""

    async def running(_: web.Application) -> AsyncIterator[None]:
        hooks.resume()
        runs.resume()
        yield
        await runs.stop()
        await hooks.stop()

    return running
