"""Data sets on the real host: the product's own workflow and reader processes, a hub in memory, a clock tests move."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.codec import decode
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose, DatasetRules
from tests.fakes.retraining import MemoryDataAssets
from tests.promotion.conftest import CONFIGURATION, DEV, PREPROD, PromotionApp, running

HOLDOUT = DatasetRules(
    name="churn-holdout", kind=DatasetKind.TABLE, purpose=DatasetPurpose.TEST, workspaces=(DEV, PREPROD)
)
SCANS = DatasetRules(
    name="scans", kind=DatasetKind.BOXES, purpose=DatasetPurpose.LABELLED, workspaces=(DEV,), labels=("cat", "dog")
)
JUDGED = replace(HOLDOUT, name="judged", contract="c", workspaces=())
ROWS = b"id,x,y\n" + b"".join(b"%d,%d,%d\n" % (n, n, n) for n in range(200))
FOLDER = "evaluation/churn/next/"


@dataclass
class DatasetApp(PromotionApp):
    """The app with data sets to publish."""

    @property
    def assets(self) -> dict[str, dict[str, Any]]:
        return self.clients.data_assets.registered  # type: ignore[attr-defined, no-any-return]

    def land(self, data: bytes = ROWS, folder: str = FOLDER, name: str = "rows.csv") -> None:
        self.hub.land(f"{folder}{name}", data)

    async def publish(self, version: str = "1", name: str = "churn-holdout", folder: str = FOLDER, **more: Any) -> Any:
        """What the door answers."""
        body = {"name": name, "version": version, "folder": folder, **more}
        return await self.ask("POST", "datasets", body, "ada")

    async def published(self, *arguments: str, **more: Any) -> c.PublicationResult:
        status, answer = await self.publish(*arguments, **more)
        assert status == 202, answer
        return await self.ended(answer["id"])

    async def ended(self, publication: str) -> c.PublicationResult:
        outcome = await self.host.advance_until_finished(publication, timeout=60)
        assert outcome.status == "Completed", outcome
        return decode(c.PublicationResult, outcome.output)

    def staged(self) -> list[str]:
        """What lies in staging below the data sets."""
        return [blob.path for blob in self.hub.list("signalbox-staging", "datasets/")]

    def manifest(self, name: str, version: str) -> dict[str, Any]:
        return dict(json.loads(self.hub.read("signalbox", f"datasets/{name}/{version}.json") or b"{}"))

    def announced(self) -> list[str]:
        kinds = self.clients.announcer.kinds  # type: ignore[attr-defined]
        return [kind for kind in kinds if kind.startswith("Signalbox.Dataset.")]


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DatasetApp]:
    configuration = replace(CONFIGURATION, datasets=(HOLDOUT, SCANS, JUDGED))
    async with running(configuration, tmp_path, monkeypatch, data_assets=MemoryDataAssets()) as made:
        yield DatasetApp(host=made.host, clients=made.clients, cloud=made.cloud)
