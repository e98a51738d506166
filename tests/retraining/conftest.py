"""Retraining on the real host: the product's own workflows, pipelines and an Azure ML in memory, a clock tests move."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.functions.meta import Datum

from shared import contracts as c
from shared.adapters.audit_log.log import BlobAudit
from shared.application.retraining.causes import record_cause
from shared.codec import decode
from shared.domain import identity
from shared.domain.gates import GateSpec
from shared.domain.promotion.ladder import Stage
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.pipelines import Pipeline, PipelineKind, TrainingCompute
from shared.domain.retraining.rules import Budget, Limits, Rates, Retraining, StopRule, TrainingRoute
from shared.ports import Blob
from shared.records import paths
from signalbox.host.clock import VirtualClock
from signalbox.host.durable.client import ConflictError
from tests.fakes.ports import FakeClients
from tests.fakes.promotion import MemoryBundles, MemoryCloud, MemoryEndpoints, MemoryModels, NamedPeople
from tests.fakes.retraining import MemoryDataAssets, MemoryPipelines, Predictors
from tests.hosted import hosted
from tests.inference.conftest import created
from tests.promotion.conftest import CENTRAL, CONFIGURATION, DEV, PEOPLE, PromotionApp
from tests.signing import signing

GATE = GateSpec(
    gate="better_than_champion", options={"metric": "mae", "min_rows": 50, "first_model": "pass", "at_least": 5.0}
)
CANDIDATES = Stage(name="candidates", source="dev", registry=CENTRAL, candidate=True, entry_gates=(GATE,))
RULES = Retraining(
    model="churn",
    pipeline=Pipeline(kind=PipelineKind.JOB, workspace=DEV, name="train:1"),
    experiment="churn",
    parameters={"alpha": "1.0"},
    compute=TrainingCompute(target="cpu", instances=2),
    data=(TrainingRoute(name="labels", take="training/churn/{file}.csv", contract="c", key=("id",), files=3),),
    limits=Limits(debounce_s=60, longest_debounce_s=600, min_interval_s=3600, runs=3, within_s=7 * 86400),
    budget=Budget(amount=100.0, within_s=30 * 86400),
    rates=Rates(node_hour=3.0, hours=2.0),
    gate=GATE,
    stop=StopRule(metric="loss", above=100.0),
    candidate="candidates",
    promote_to="preprod",
    give_up_after_s=3600,
)


@dataclass
class RetrainingApp(PromotionApp):
    """The app with a model to retrain."""

    @property
    def pipelines(self) -> MemoryPipelines:
        return self.clients.pipelines  # type: ignore[return-value]

    @property
    def data_assets(self) -> MemoryDataAssets:
        return self.clients.data_assets  # type: ignore[return-value]

    def change(self, **rules: Any) -> None:
        """Configure retraining otherwise."""
        configuration = self.clients.configuration
        changed = replace(configuration.retraining[0], **rules)
        vars(self.clients)["configuration"] = replace(configuration, retraining=(changed,))

    def hold_out(self, content: str, key: str, group: str = "") -> None:
        """Configure another hold-out, whose rows *key* names, and whose groups *group*."""
        self.hub.land("evaluation/churn.csv", content.encode())
        configuration, model = self.clients.configuration, self.clients.configuration.ladder.models[0]
        models = (replace(model, holdout=replace(model.holdout, key=key, group=group)),)
        vars(self.clients)["configuration"] = replace(
            configuration, ladder=replace(configuration.ladder, models=models)
        )

    def label(self, name: str, start: int = 500, rows: int = 4, shift: float = 0.0) -> Blob:
        """A file of labelled rows."""
        lines = [f"{n},{n},{n + shift}" for n in range(start, start + rows)]
        return self.hub.land(f"training/churn/{name}.csv", "\n".join(["id,x,y", *lines]).encode() + b"\n")

    def cause(self, kind: CauseKind = CauseKind.DRIFT, number: int = 0, **facts: str) -> Cause:
        name = identity.cause_id("churn", kind.value, str(number))
        made = Cause(
            id=name, model="churn", kind=kind, at=self.clients.clock.now(), because=f"{kind} {number}", facts=facts
        )
        record_cause(self.clients.store, made)
        return made

    async def tell(self, blob: Blob) -> None:
        await self.host.call("receive_hub_event", Datum(json.dumps(created(blob, f"event-{blob.etag}")), "json"))

    async def serve(self, error: float = 2.0) -> None:
        """A champion in pre-production."""
        self.register("1", error=error)
        promotion = await self.promote("churn:1", to="preprod")
        assert (await self.finish(promotion)).fate is c.Fate.PROMOTED

    async def retrained(self) -> c.RetrainingResult:
        """The result of the newest run, once it is there."""
        await self.until(lambda: bool(self.runs()) and all(run.get("outcome") for run in self.runs()), every_s=10)
        run = self.runs()[-1]["run"]
        outcome = await self.host.advance_until_finished(run, timeout=60)
        assert outcome.status == "Completed", outcome
        return decode(c.RetrainingResult, outcome.output)

    async def by_hand(self, hours: float = 0, **cause: Any) -> c.RetrainingResult:
        """What becomes of a person's wish; *hours* pass at once, where it is known to take that long."""
        self.cause(CauseKind.PERSON, **cause)
        await self.consider()
        await self.pass_time(timedelta(hours=hours))
        return await self.retrained()

    async def consider(self) -> None:
        """As every door does after it has recorded a cause: where it is considered already, that is joined."""
        name = identity.considering_id("churn")
        with suppress(ConflictError):
            await self.host.start("consider_retraining", name, {"model": "churn"})

    def runs(self) -> list[dict[str, Any]]:
        """The records of all runs, oldest first."""
        found = [
            json.loads(self.hub.read("signalbox", blob.path) or b"{}")
            for blob in self.hub.list("signalbox", paths.RETRAINING_RUNS)
            if blob.path.endswith("/run.json")
        ]
        return sorted(found, key=lambda run: str(run["opened"]))

    def part(self, name: str) -> dict[str, Any]:
        """A record of the newest run."""
        path = paths.retraining_part(self.runs()[-1]["run"], name)
        return dict(json.loads(self.hub.read("signalbox", path) or b"{}"))

    def verdicts(self) -> list[tuple[str, str]]:
        """What was decided, in order."""
        found = [
            json.loads(self.hub.read("signalbox", blob.path) or b"{}")
            for blob in self.hub.list("signalbox", paths.verdicts("churn"))
        ]
        return [(each["move"], each["rule"]) for each in sorted(found, key=lambda each: str(each["at"]))]

    def settled(self) -> list[str]:
        return [blob.metadata.get("settled", "") for blob in self.hub.list("signalbox", paths.causes("churn"))]

    def made(self, start: str) -> int:
        """How many effects in the cloud begin so."""
        return sum(count for name, count in self.cloud.effects.items() if name.startswith(start))


@pytest.fixture
def sweeps() -> str:
    """When the timers sweep; a test that lets days pass gives it otherwise."""
    return "0 0 * * * *"


@pytest.fixture
def ticks() -> str:
    """When the schedules' timer ticks."""
    return "0 0 12 * * *"


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweeps: str, ticks: str) -> AsyncIterator[RetrainingApp]:
    clock, cloud = VirtualClock(), MemoryCloud()
    cloud.predict = Predictors(cloud)
    ladder = replace(CONFIGURATION.ladder, stages=(CANDIDATES, *CONFIGURATION.ladder.stages))
    made = FakeClients(replace(CONFIGURATION, ladder=ladder, retraining=(RULES,)), clock.now)
    bundles = MemoryBundles(cloud)
    vars(made).update(
        models=MemoryModels(cloud),
        bundles=bundles,
        endpoints=MemoryEndpoints(cloud),
        identities=NamedPeople(PEOPLE),
        signing=signing(),
        audit=BlobAudit(made.hub, "signalbox", made.clock, signing()),
        pipelines=MemoryPipelines(made.hub, cloud, bundles, clock.now),  # type: ignore[arg-type]
        data_assets=MemoryDataAssets(),
    )
    rows = "\n".join(f"{n},{n},{n}" for n in range(200))
    made.hub.land("evaluation/churn.csv", f"id,x,y\n{rows}\n".encode())  # type: ignore[attr-defined]
    async with hosted(made, clock, tmp_path, monkeypatch, sweeps=sweeps, ticks=ticks) as host:
        app = RetrainingApp(host=host, clients=made, cloud=cloud)
        app.label("first")
        yield app


async def hours(app: RetrainingApp, number: float) -> None:
    """Let time pass, with the timer's sweeps."""
    await app.pass_time(timedelta(hours=number))
