"""One Azure DevOps for the session, the product's own adapters on it, and the product that a pipeline calls."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.azure_devops.approvals import AzureDevOpsApprovals, AzureDevOpsFacts
from shared.adapters.azure_devops.client import DevOpsRest
from shared.adapters.azure_devops.pipelines import AzureDevOpsPipelines
from shared.adapters.azure_devops.tasks import AzureDevOpsTasks
from shared.adapters.azure_storage.sealed_secrets import SealedSecrets
from shared.domain.configuration import Configuration
from shared.domain.devops.configuration import DevOps
from tests.devops.ado import Ado, serving
from tests.fakes.ports import OPERATOR_KEY
from tests.promotion.conftest import CONFIGURATION, PromotionApp, running


@pytest.fixture(scope="session")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ado]:
    with serving(tmp_path_factory.mktemp("ado")) as ado:
        yield ado


@pytest.fixture
def ado(organisation: Ado, monkeypatch: pytest.MonkeyPatch) -> Ado:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(organisation.ca))
    return organisation


@pytest.fixture
def rest(ado: Ado) -> DevOpsRest:
    return DevOpsRest(ado, ado.base, ado.base)


@pytest.fixture
def payloads() -> Path:
    return Path(__file__).parents[1] / "payloads" / "ado"


@dataclass
class DevOpsApp(PromotionApp):
    """The app with models to promote, and the organisation whose pipelines call it."""

    ado: Ado

    def gate(self, body: str, **more: Any) -> dict[str, Any]:
        """A check, or an agentless task, that calls the product and waits."""
        url = f"{self.host.url}/api/v1/devops/checks"
        return {"kind": "task", "url": url, "key": OPERATOR_KEY, "body": body, **more}

    async def until(self, happened: Callable[[], Any], every_s: float = 1) -> Any:
        """Let time pass here, and a little of it there, until something has happened; what it gave."""
        async with asyncio.timeout(60):
            await self.host.settle()
            while not (seen := happened()):
                await self.pass_time(every_s)
                await asyncio.sleep(0.01)  # The organisation's own clock is real.
                await self.host.settle()
        return seen

    async def ended(self, run: int) -> dict[str, Any]:
        return dict(await self.until(lambda: seen if (seen := self.ado.seen(run))["state"] == "completed" else None))

    def tasks(self) -> list[str]:
        """The ids of the tasks that stand in for pipelines'."""
        folder = "devops/tasks/"
        return sorted({blob.path.split("/")[2] for blob in self.hub.list("signalbox", folder)})

    def sealed(self) -> list[str]:
        """Where tokens are kept."""
        return [blob.path for blob in self.hub.list("signalbox", "secrets/")]

    def promotions(self) -> list[str]:
        names = {blob.path.split("/")[1] for blob in self.hub.list("signalbox", "promotions/")}
        return sorted(names)

    async def asking(self) -> str:
        """The promotion that waits for people, once it does."""
        found = "promotions/{}/effects/central/entry/pack.json"
        (promotion,) = await self.until(
            lambda: [each for each in self.promotions() if self.hub.find("signalbox", found.format(each))]
        )
        return str(promotion)


@pytest.fixture
def rules() -> DevOps:
    """What a test's module may replace."""
    return DevOps(organisations=("contoso",), projects=("mlops",))


@pytest.fixture
def base() -> Configuration:
    """What a test's module may replace."""
    return CONFIGURATION


@pytest.fixture
async def app(
    ado: Ado, rest: DevOpsRest, rules: DevOps, base: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DevOpsApp]:
    configuration = replace(base, devops=rules)
    more = {
        "server_tasks": AzureDevOpsTasks(rest),
        "devops_pipelines": AzureDevOpsPipelines(rest),
        "devops_approvals": AzureDevOpsApprovals(rest),
        "devops_facts": AzureDevOpsFacts(rest),
        "devops_url": ado.base,
    }
    async with running(configuration, tmp_path, monkeypatch, **more) as app:
        vars(app.clients).update(secrets=SealedSecrets(app.hub, "signalbox", "s" * 32))
        yield DevOpsApp(**vars(app), ado=ado)
