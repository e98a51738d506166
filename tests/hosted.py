"""The whole product on the real host, with clients of the test's choice and a clock that the test moves.

`HostedApp` is what every test of it has; each capability's conftest adds what its own tests do to the app.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import azure.durable_functions as df
import azure.functions as func
import pytest

from activities.blueprint import activity_blueprint
from orchestrators.blueprint import blueprint as orchestrators
from shared.clients import Clients
from shared.settings import APPROVALS_QUEUE, EVENTS_QUEUE, HOOKS_QUEUE, MESSAGES_QUEUE, RECORDS_QUEUE, has_queue
from signalbox.host.clock import VirtualClock
from signalbox.host.testing import LocalHost
from tests.fakes.ports import FakeClients, MemoryHub
from triggers.console.blueprint import console_blueprint
from triggers.events.event_grid import hub_event_blueprint
from triggers.http.routes import api_blueprint
from triggers.queues.bindings import queue_blueprint
from triggers.timers import blueprint as timers

QUEUES = (MESSAGES_QUEUE, RECORDS_QUEUE, APPROVALS_QUEUE, HOOKS_QUEUE, EVENTS_QUEUE)


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


class Registration:
    """The app with all its functions, which ask here for the clients of the test that runs.

    Registering some 160 functions takes 25 ms, and a thousand tests host the app: each takes a free one. The settings
    decide which queues have a function, so those with other queues are kept apart.
    """

    _free: ClassVar[defaultdict[tuple[bool, ...], list["Registration"]]] = defaultdict(list)

    def __init__(self) -> None:
        self._clients: Clients | None = None
        self.app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
        for blueprint in (
            orchestrators,
            activity_blueprint(self._current),
            hub_event_blueprint(self._current),
            api_blueprint(self._current),
            console_blueprint(self._current),
            queue_blueprint(self._current),
            timers,
        ):
            self.app.register_functions(blueprint)

    def _current(self) -> Clients:
        assert self._clients is not None, "a function of the app runs after its host has stopped"
        return self._clients

    @classmethod
    @contextmanager
    def taken(cls, clients: Clients) -> Iterator[df.DFApp]:
        """The app with *clients*, which no other host uses meanwhile."""
        free = cls._free[tuple(has_queue(queue) for queue in QUEUES)]
        registration = free.pop() if free else cls()
        registration._clients = clients
        yield registration.app
        registration._clients = None
        free.append(registration)  # After an error it is not used again: a function of it may still run.


@asynccontextmanager
async def hosted(
    clients: Clients,
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
    (folder / "host.json").write_text(Path("host.json").read_text())
    with Registration.taken(clients) as app:
        async with LocalHost(app, folder, clock=clock) as host:
            yield host
