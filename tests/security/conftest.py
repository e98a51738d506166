"""The shipped configuration on the real host: tokens really signed and verified; whatever is started or sent counts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.adapters.azure_storage.sealed_secrets import SealedSecrets
from shared.adapters.entra.tokens import EntraTokens
from shared.adapters.hub_files.drift_counts import HubDriftFiles
from shared.config import load
from shared.domain.configuration import Configuration
from shared.domain.promotion.models import ModelVersion
from shared.ports import RegisteredModel
from signalbox.host.clock import VirtualClock
from signalbox.host.durable.storage.queries import Filter
from tests.fakes.ports import FakeClients
from tests.fakes.promotion import MemoryBundles, MemoryCloud, MemoryEndpoints, MemoryModels
from tests.hosted import HostedApp, hosted
from tests.security.issuer import AUDIENCE, Issuer, issuing

Answer = tuple[int, dict[str, Any]]


@dataclass
class AttackedApp(HostedApp):
    """The app that is attacked."""

    issuer: Issuer

    def effects(self) -> dict[str, int]:
        """Everything that was started, written or sent so far."""
        made: Any = self.clients
        return {
            "started": len(self.host.host.client.query(Filter())),
            "written": self.hub.writes.total(),
            "jobs": made.jobs.created.total(),
            "announced": len(made.announcer.events),
            "messages": made.messenger.attempts.total(),
        }

    async def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None, **more: Any
    ) -> Answer:
        url = f"{self.host.url}/api/v1/{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, json=body, **more) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def settled(self) -> dict[str, int]:
        """The effects, once everything that was begun has come to rest."""
        await self.host.settle()
        return self.effects()


@cache
def shipped() -> Configuration:
    """The project's own configuration. It is read once: that takes as long as to start the host."""
    return load(Path("signalbox.yaml"))


@pytest.fixture
def configuration() -> Configuration:
    """What a module may replace."""
    return shipped()


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    async with issuing(tmp_path / "issuer") as made:
        yield made


@pytest.fixture
async def app(
    configuration: Configuration, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AttackedApp]:
    clock, cloud = VirtualClock(), MemoryCloud()
    made, models = FakeClients(configuration, clock.now), MemoryModels(cloud)
    for place in (*configuration.workspaces, *filter(None, (stage.registry for stage in configuration.ladder.stages))):
        models.register(place, RegisteredModel(model=ModelVersion(name="churn", version="1"), folder="f", tags={}))
    vars(made).update(
        models=models,
        bundles=MemoryBundles(cloud),
        identities=EntraTokens(issuer.address, AUDIENCE),
        devops_url="https://dev.azure.com",
        endpoints=MemoryEndpoints(cloud),
        drift_files=HubDriftFiles(made.hub, Path()),
        secrets=SealedSecrets(made.hub, configuration.hub.state, "s" * 32),
    )
    async with hosted(made, clock, tmp_path, monkeypatch, sweeps="0 0 0 1 1 *") as host:
        yield AttackedApp(host=host, clients=made, issuer=issuer)
