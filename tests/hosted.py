"""The whole product on the real host, with clients of the test's choice and a clock that the test moves.

`HostedApp` is what every test of it has; each capability's conftest adds what its own tests do to the app.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func
import pytest

from activities.blueprint import activity_blueprint
from orchestrators.blueprint import blueprint as orchestrators
from shared.clients import Clients
from signalbox.host.clock import VirtualClock
from signalbox.host.testing import LocalHost
from tests.fakes.ports import FakeClients, MemoryHub
from triggers.events.event_grid import hub_event_blueprint
from triggers.http.routes import api_blueprint
from triggers.queues.bindings import queue_blueprint
from triggers.timers import blueprint as timers


@dataclass
class HostedApp:
    host: LocalHost
    clients: FakeClients

    @property
    def hub(self) -> MemoryHub:
        return self.clients.hub  # type: ignore[return-value]

    async def pass_time(self, by: timedelta | float = 0, **parts: float) -> None:
        """Let time pass: a span, a number of seconds, or the parts of a `timedelta`; all work settles on the way."""
        span = by if isinstance(by, timedelta) else timedelta(seconds=by) + timedelta(**parts)
        await self.host.advance(span, timeout=60)


@asynccontextmanager
async def hosted(
    made: Clients,
    clock: VirtualClock,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    sweeps: str = "0 */5 * * * *",
    ticks: str = "0 0 12 * * *",
) -> AsyncIterator[LocalHost]:
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "1")
    monkeypatch.setenv("SIGNALBOX_RECONCILE_SCHEDULE", sweeps)
    monkeypatch.setenv("SIGNALBOX_SCRUB_SCHEDULE", "0 0 12 * * *")
    monkeypatch.setenv("SIGNALBOX_TICK_SCHEDULE", ticks)
    app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
    for blueprint in (
        orchestrators,
        activity_blueprint(lambda: made),
        hub_event_blueprint(lambda: made),
        api_blueprint(lambda: made),
        queue_blueprint(lambda: made),
        timers,
    ):
        app.register_functions(blueprint)
    (folder / "host.json").write_text(Path("host.json").read_text())
    async with LocalHost(app, folder, clock=clock) as host:
        yield host
