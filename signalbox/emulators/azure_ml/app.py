"""Assembles the Azure ML emulator: Resource Manager, batch scoring, and the control door for faults."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from signalbox.emulators.azure_ml.arm import ArmDoors
from signalbox.emulators.azure_ml.faults import FaultBox
from signalbox.emulators.azure_ml.hub import Hub
from signalbox.emulators.azure_ml.jobs import JobQueue
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_ml.scoring import ScoringDoors

Check = Callable[[web.Request, tuple[str, ...]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMlOptions:
    """*base_url*: where this emulator answers; *blob_service*: the hub; *token_for* makes a token for an audience."""

    state: Path
    base_url: str
    account: str
    blob_service: str
    ca: Path
    token_for: Callable[[str], str]
    check: Check


def create_app(options: AzureMlOptions) -> web.Application:
    """The application; `app["effects"]()` counts the jobs created by name."""
    resources = Resources(options.state / "emulators" / "azure_ml.db")
    hub = Hub(options.blob_service, options.ca, options.token_for)
    faults = FaultBox()
    jobs = JobQueue(options.state / "jobs", resources, hub, faults)
    app = web.Application(client_max_size=64 * 1024**2, middlewares=[faults.middleware])

    async def running(_: web.Application) -> AsyncIterator[None]:
        jobs.resume()
        yield
        await jobs.stop()

    app.cleanup_ctx.append(running)
    faults.add_to(app)
    ScoringDoors(options, resources, jobs).add_to(app)
    ArmDoors(options, resources, jobs).add_to(app)
    app["effects"] = lambda: dict(jobs.created)
    return app
