"""Promotions on the real host: the product's own workflows, an Azure ML in memory, people by name."""

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared import contracts as c
from shared.adapters.audit_log.log import BlobAudit
from shared.adapters.audit_log.verified_marks import VerifiedMarks
from shared.codec import decode
from shared.domain.configuration import Configuration
from shared.domain.gates import GateSpec
from shared.domain.inference.routes import HubLayout, Workspace
from shared.domain.promotion.approvals import ApprovalPolicy, Person, Role
from shared.domain.promotion.audit import verify
from shared.domain.promotion.ladder import BreakGlass, Holdout, Ladder, Promotable, Registry, Serving, Stage
from shared.domain.promotion.models import BUNDLE, ModelVersion
from shared.domain.promotion.training import StageTraining, TrainingFolder
from shared.domain.retraining.pipelines import Pipeline, PipelineKind
from shared.ports import RegisteredModel, Shelf
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import OPERATOR_KEY, FakeClients
from tests.fakes.promotion import MemoryBundles, MemoryCloud, MemoryEndpoints, MemoryModels, NamedPeople
from tests.fakes.retraining import MemoryDataAssets, MemoryPipelines
from tests.hosted import HostedApp, hosted
from tests.pasts import Past
from tests.signing import signing
from tests.statements import require_published_form

EXPERIMENT, DEV, PREPROD = (
    Workspace(name=name, subscription="s", resource_group="g", workspace=name)
    for name in ("experiment", "dev", "preprod")
)
CENTRAL = Registry(name="central", subscription="r", resource_group="g")
SCIENTIST, OWNER = (
    Role(name="data-scientist", app_role="DataScientist"),
    Role(name="product-owner", app_role="ProductOwner"),
)
ENGINEER = Role(name="engineer", app_role="PlatformEngineer")
BETTER = {"metric": "mae", "min_rows": 50, "first_model": "pass", "at_least": 5.0}
EXIT = (
    GateSpec(gate="api_test_passed"),
    GateSpec(gate="golden_requests_match"),
    GateSpec(gate="fast_enough", options={"p95_ms": 500}),
    GateSpec(gate="better_than_champion", options=BETTER),
    GateSpec(gate="outputs_agree", options={"min_agreement": 0.5, "first_model": "pass"}),
)
TRAINING = StageTraining(
    model="churn",
    pipeline=Pipeline(kind=PipelineKind.JOB, workspace=DEV, name="train:1"),
    experiment="churn",
    parameters={"alpha": "0.5"},
    recipe=("depth",),
    data=(TrainingFolder(name="data", path="signalbox-staging/training-sets/churn", datastore="hub_staging"),),
    bundle="candidate",
    give_up_after_s=300,
)
STAGES = (
    Stage(
        name="dev",
        source="experiment",
        environment=DEV,
        serving=Serving(online="online"),
        exit_gates=(GateSpec(gate="api_test_passed"), GateSpec(gate="golden_requests_match")),
        training=(TRAINING,),
    ),
    Stage(
        name="preprod",
        source="dev",
        environment=PREPROD,
        serving=Serving(online="online", batch="batch"),
        entry_gates=(GateSpec(gate="data_tests_passed"),),
        exit_gates=EXIT,
    ),
    Stage(
        name="central",
        source="preprod",
        registry=CENTRAL,
        entry_gates=(GateSpec(gate="not_frozen", options={"windows": []}),),
        approvals=ApprovalPolicy(roles=(SCIENTIST, OWNER), escalate_to=("head@example.org",)),
    ),
)
MODEL = Promotable(
    name="churn", contract="c", holdout=Holdout(path="evaluation/churn.csv", target="y", key="id", tolerance=10.0)
)
PEOPLE = {
    "ada": Person(oid="1", name="ada", roles=("DataScientist",)),
    "grace": Person(oid="2", name="grace", roles=("ProductOwner",)),
    "linus": Person(oid="3", name="linus", roles=("MLEngineer", "PlatformEngineer")),
    "both": Person(oid="4", name="both", roles=("DataScientist", "ProductOwner", "PlatformEngineer")),
}
CONFIGURATION = Configuration(
    hub=HubLayout(account="datahub"),
    routes=(),
    workspaces=(EXPERIMENT, DEV, PREPROD),
    ladder=Ladder(
        stages=STAGES,
        models=(MODEL, replace(MODEL, name="fraud")),
        break_glass=BreakGlass(policy=ApprovalPolicy(roles=(ENGINEER, OWNER)), longest_s=3600),
    ),
)


@dataclass
class PromotionApp(HostedApp):
    """The app with models to promote."""

    cloud: MemoryCloud

    @property
    def endpoints(self) -> MemoryEndpoints:
        return self.clients.endpoints  # type: ignore[return-value]

    @property
    def pipelines(self) -> MemoryPipelines:
        return self.clients.pipelines  # type: ignore[return-value]

    def experiment(self, version: str, **tags: str) -> ModelVersion:
        """A version of churn in experimentation that says how it is to be trained."""
        return self.register(version, 1.0, "churn", EXPERIMENT, **{"signalbox.recipe.depth": "3", **tags})

    def register(
        self,
        version: str,
        error: float,
        name: str = "churn",
        place: Workspace = DEV,
        columns: tuple[str, ...] = ("x",),
        **tags: str,
    ) -> ModelVersion:
        """A version in *place* whose predictions are off by about *error*, with its bundle and golden requests.

        It is asked with these *columns*, of which it uses the first.
        """
        model = ModelVersion(name=name, version=version)
        noise = random.Random(version)
        off = {row: noise.uniform(-2, 2) * error for row in range(1000)}
        self.cloud.predict[str(model)] = lambda row: float(row["x"]) + off[int(row["x"])]
        bundles: MemoryBundles = self.clients.bundles  # type: ignore[assignment]
        folder, extras = f"models/{name}/{version}", f"extras/{name}/{version}"
        bundles.put(Shelf(place=place, folder=folder, asset=model), "model.bin", f"weights {name} {version}".encode())
        asked = {"input_data": {"columns": list(columns), "index": [0], "data": [[7] * len(columns)]}}
        golden = json.dumps({"request": asked, "response": [self.cloud.predict[str(model)]({"x": 7})]})
        beside = Shelf(place=place, folder=extras, asset=model)
        files = {"code/online.py": b"x", "environment/conda.yaml": b"y", "golden/requests.jsonl": golden.encode()}
        for path, data in files.items():
            bundles.put(beside, path, data)
        registered = RegisteredModel(model=model, folder=folder, tags={BUNDLE: extras, **tags}, job="job-1")
        self.cloud.state["assets"][f"{place.name}/models/{model}"] = registered
        return model

    async def promote(self, model: str, to: str = "central", who: str = "linus", **more: Any) -> str:
        status, answer = await self.ask("POST", "promotions", {"model": model, "to": to, "reason": "try", **more}, who)
        assert status == 202, answer
        return str(answer["id"])

    async def decide(self, promotion: str, who: str, role: str, what: str = "approve", **more: Any) -> tuple[int, Any]:
        evidence = more.pop("evidence", None) or await self.evidence(promotion)
        body = {"role": role, "evidence": evidence, "reason": "seen", **more}
        return await self.ask("POST", f"promotions/{promotion}/{what}", body, who)

    async def evidence(self, promotion: str) -> str:
        """The digest that approvers of the central stage are shown, once it is there."""
        for _ in range(30):
            await self.pass_time(timedelta(seconds=10))
            _, shown = await self.ask("GET", f"promotions/{promotion}")
            for each in shown["evidence"]:
                if each["stage"] == "central":
                    return str(each["digest"])
            if shown.get("fate"):
                break
        raise LookupError(f"{promotion} asks nobody: {shown.get('because')}")

    async def approve(self, promotion: str) -> None:
        """Both roles, by two people."""
        for who, role in (("ada", "data-scientist"), ("grace", "product-owner")):
            status, answer = await self.decide(promotion, who, role)
            assert status == 200, answer

    async def finish(self, promotion: str) -> c.PromotionResult:
        outcome = await self.host.advance_until_finished(promotion, timeout=60)
        assert outcome.status == "Completed", outcome
        return decode(c.PromotionResult, outcome.output)

    async def whole(self, model: str) -> c.PromotionResult:
        """A promotion with everything it needs."""
        promotion = await self.promote(model)
        await self.approve(promotion)
        return await self.finish(promotion)

    async def ask(self, method: str, path: str, body: Any = None, who: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {who}"} if who else {"x-functions-key": OPERATOR_KEY}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.host.url}/api/v1/{path}", json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def until(self, happened: Callable[[], bool], every_s: float = 1) -> None:
        """Let time pass, second by second (or slower), until something has happened."""
        for _ in range(600):
            await self.host.settle()
            if happened():
                return
            await self.pass_time(timedelta(seconds=every_s))
        raise TimeoutError(f"it did not happen within {600 * every_s:g} seconds")

    async def sweep(self) -> None:
        """What the timer does."""
        await self.pass_time(timedelta(days=1, hours=1))

    def record(self, promotion: str) -> dict[str, Any]:
        return dict(json.loads(self.hub.read("signalbox", f"promotions/{promotion}/promotion.json") or b"{}"))

    def chain(self) -> list[str]:
        """The kinds of the audit log's entries, after proving that it is whole."""
        entries = list(self.clients.audit.entries())
        assert verify(entries, self.clients.audit.head()) == (len(entries), ())
        return [entry.kind for entry in entries]


@asynccontextmanager
async def running(
    configuration: Configuration,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    past: Past | None = None,
    **more: Any,
) -> AsyncIterator[PromotionApp]:
    """The product with *configuration* after *past*, and *more* clients than those of promotion."""
    clock, cloud = VirtualClock(past.now if past else None), MemoryCloud()
    made, bundles = FakeClients(configuration, clock.now), MemoryBundles(cloud)
    vars(made).update(
        models=MemoryModels(cloud),
        bundles=bundles,
        pipelines=MemoryPipelines(made.hub, cloud, bundles, clock.now),  # type: ignore[arg-type]
        endpoints=MemoryEndpoints(cloud),
        identities=NamedPeople(PEOPLE),
        signing=signing(),
        audit=BlobAudit(
            made.hub, "signalbox", made.clock, signing(), marks=VerifiedMarks(made.hub, "signalbox", signing(), "audit")
        ),
        **{"data_assets": MemoryDataAssets(), **more},
    )
    rows = "\n".join(f"{n},{n},{n}" for n in range(200))
    made.hub.land("evaluation/churn.csv", f"id,x,y\n{rows}\n".encode())  # type: ignore[attr-defined]
    made.hub.land("signalbox-staging/training-sets/churn/rows.csv", b"id,x,y\n1,2,3\n")  # type: ignore[attr-defined]
    if past is not None:
        past.restore(made, cloud, folder)
    async with hosted(made, clock, folder, monkeypatch, sweeps="0 0 0 * * *") as host:
        yield PromotionApp(host=host, clients=made, cloud=cloud)
        require_published_form(made.statements)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    async with running(CONFIGURATION, tmp_path, monkeypatch) as made:
        yield made
