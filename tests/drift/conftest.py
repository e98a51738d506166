"""Runs on the real host whose inputs and outputs are watched for drift, with a model that brought its reference."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.adapters.hub_files.drift_counts import HubDriftFiles
from shared.domain.configuration import Configuration
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.drift.counting import moments_of
from shared.domain.drift.reference import PLACE, ModelReference
from shared.domain.drift.relevance import relevance
from shared.domain.drift.rule import DriftRule
from shared.domain.drift.watch import DriftWatch, OutputField
from shared.domain.inference.routes import HubLayout
from shared.domain.promotion.gate_specs import GateSpec
from shared.domain.promotion.models import BUNDLE, ModelVersion
from shared.domain.retraining.pipelines import Pipeline, PipelineKind
from shared.domain.retraining.rules import Retraining
from shared.ports import RegisteredModel, Shelf
from signalbox.host.clock import VirtualClock
from tests.drift.references import profile_of, response_of
from tests.fakes.ports import FakeClients
from tests.fakes.promotion import MemoryBundles, MemoryCloud, MemoryModels
from tests.hosted import hosted
from tests.inference.conftest import WORKSPACE, InferenceApp, a_route

RULE = DriftRule(alpha=0.01, effect=0.25, minimum_rows=100)
WATCH = DriftWatch(
    model="m",
    rule=RULE,
    routes=("each",),
    rows=400,
    output=OutputField(name="score"),
    tell=("owner@example.org",),
    sources=("weekly-monitor", "drift-alert", "weekly-monitor_inputs"),
    coefficient=0.3,
)
MODEL = ModelVersion(name="m", version="1")
CONTRACT = """
format: csv
extra_columns: refuse
columns: [{name: id, type: integer}, {name: x, type: number}, {name: y, type: number}]
"""


def rows(seed: int, count: int, x: float = 0.0, y: float = 0.0) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(seed)
    return {"x": chance.normal(x, 1, count).round(4), "y": chance.normal(y, 1, count).round(4)}


def csv_of(columns: dict[str, np.ndarray]) -> bytes:
    lines = [f"{at},{a},{b}" for at, (a, b) in enumerate(zip(columns["x"], columns["y"], strict=True))]
    return "\n".join(["id,x,y", *lines, ""]).encode()


def predict(row: str) -> float:
    """The model: twice x."""
    return 2 * float(row.split(",")[1])


def reference() -> ModelReference:
    columns = rows(0, 3000)
    score = 2 * columns["x"]
    profiles = {name: profile_of(values, "number") for name, values in (columns | {"score": score}).items()}
    inputs = {name: profiles[name] for name in columns}
    return ModelReference(
        inputs=ReferenceProfile(rows=3000, columns=inputs),
        outputs={"score": profiles["score"]},
        moments={"score": moments_of(score)},
        responses={name: response_of(columns[name], inputs[name], score) for name in columns},
        relevance=relevance(columns | {"answer": score + rows(1, 3000)["x"]}, "answer", resamples=20),
    )


def watched(clients: FakeClients, home: Path, given: ModelReference | None) -> None:
    """Give *clients* what a drift check reaches: the files' adapter, and a registered model with its bundle."""
    (home / "c").write_text(CONTRACT)
    cloud = MemoryCloud()
    models, bundles = MemoryModels(cloud), MemoryBundles(cloud)
    models.register(WORKSPACE, RegisteredModel(model=MODEL, folder="model", tags={BUNDLE: "extras"}))
    if given is not None:
        shelf = Shelf(place=WORKSPACE, folder="extras", asset=MODEL)
        bundles.put(shelf, PLACE, json.dumps(given.to_dict()).encode())
    vars(clients).update(models=models, bundles=bundles, drift_files=HubDriftFiles(clients.hub, home))
    clients.jobs.predict = predict  # type: ignore[attr-defined]


class DriftApp(InferenceApp):
    """Scores files and waits for their drift checks."""

    async def score(self, columns: dict[str, np.ndarray], name: str = "a") -> dict[str, Any]:
        """What the drift check of the run said."""
        run = await self.arrive(f"landing/each/north/{name}.csv", csv_of(columns))
        await self.finish(run)
        return await self.checked(f"{run}-drift")

    async def checked(self, instance: str) -> dict[str, Any]:
        ended = await self.host.advance_until_finished(instance, timeout=60)
        assert ended.status == "Completed", ended
        return dict(ended.output)

    def stored(self, path: str) -> Any:
        return json.loads(self.hub.read("signalbox", path) or b"null")

    @property
    def causes(self) -> list[dict[str, Any]]:
        found = self.hub.list("signalbox", "retraining/m/causes/")
        return [json.loads(self.hub.read("signalbox", blob.path) or b"{}") for blob in found]


PIPELINE = Pipeline(kind=PipelineKind.ENDPOINT, workspace=WORKSPACE, name="train")


def configuration(watch: DriftWatch, retrained: bool) -> Configuration:
    rules = Retraining(model="m", pipeline=PIPELINE, experiment="m", gate=GateSpec(gate="better_than_champion"))
    return Configuration(
        hub=HubLayout(account="datahub"),
        routes=(a_route("each"), a_route("other")),
        workspaces=(WORKSPACE,),
        drift=(watch,),
        retraining=(rules,) if retrained else (),
    )


@pytest.fixture
def watch() -> DriftWatch:
    return WATCH


@pytest.fixture
def retrained() -> bool:
    """Whether the model has a `retraining` section."""
    return False


@pytest.fixture
def given() -> ModelReference | None:
    """What the model brings."""
    return reference()


@pytest.fixture
async def app(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    watch: DriftWatch,
    given: ModelReference | None,
    retrained: bool,
) -> AsyncIterator[DriftApp]:
    clock = VirtualClock()
    made = FakeClients(configuration(watch, retrained), clock.now)
    watched(made, tmp_path, given)
    async with hosted(made, clock, tmp_path, monkeypatch) as host:
        yield DriftApp(host=host, clients=made)
