"""Rollouts on the real host: a model in the central registry, a production stage, and traffic in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.codec import decode
from shared.domain.configuration import Configuration
from shared.domain.gates import GateSpec
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.ladder import Serving, Stage
from shared.domain.promotion.models import STATE, EntryState, ModelVersion
from shared.domain.rollout.known_good import KnownGoodRules
from shared.domain.rollout.policy import LookRule, RolloutAlerts, RolloutPolicy, Soak, StepLimits, TrafficStep
from shared.ports import FiringAlert
from shared.records.production.serving import served_intervals
from shared.records.registry import ENTRY_STATEMENT, entry_statement, history_of, sign_entry
from tests.fakes.rollout import MemoryAlerts, MemoryOutputs, MemoryTraffic
from tests.pasts import Past, Step, past_after
from tests.promotion import conftest as promotions
from tests.promotion.conftest import CENTRAL, CONFIGURATION, DEV, PREPROD, PromotionApp

PROD = Workspace(name="prod", subscription="p", resource_group="g", workspace="prod")
POLICY = RolloutPolicy(
    steps=(
        TrafficStep(weight=5),
        TrafficStep(weight=25),
        TrafficStep(weight=50, cleared=True),
        TrafficStep(weight=100),
    ),
    each=StepLimits(at_least_s=900, at_most_s=4 * 3600, requests=100),
    look=LookRule(every_s=900),
    soak=Soak(for_s=900, requests=200),  # Each release of a test soaks, and a look takes as long as a whole unit test.
    keep_warm_s=7200,
    alerts=RolloutAlerts(rules=("prod-errors",)),
    known_good=KnownGoodRules(served_s=1800),
)
NOBODY_ASKED = ApprovalPolicy()
STAGES = (
    Stage(name="central", source="dev", registry=CENTRAL, approvals=ApprovalPolicy()),
    Stage(
        name="prod",
        source="central",
        environment=PROD,
        serving=Serving(online="churn-online"),
        exit_gates=(GateSpec(gate="api_test_passed"), GateSpec(gate="golden_requests_match")),
        rollout=POLICY,
    ),
)


def configuration_with(
    policy: RolloutPolicy, approvals: ApprovalPolicy = NOBODY_ASKED, stages: tuple[Stage, ...] = STAGES
) -> Configuration:
    stages = tuple(replace(stage, rollout=policy, approvals=approvals) if stage.rollout else stage for stage in stages)
    ladder = replace(CONFIGURATION.ladder, stages=stages)
    return replace(CONFIGURATION, workspaces=(DEV, PREPROD, PROD), ladder=ladder)


FIRST, SECOND = (ModelVersion(name="churn", version=version) for version in ("1", "2"))


@dataclass
class RolloutApp(PromotionApp):
    """The app with a production stage."""

    @property
    def requests(self) -> MemoryTraffic:
        return self.clients.memory_traffic  # type: ignore[attr-defined, no-any-return]

    @property
    def outputs(self) -> MemoryOutputs:
        return self.clients.output_figures  # type: ignore[return-value]

    @property
    def minute(self) -> int:
        """The minute that it is now."""
        return int(self.clients.clock.now().timestamp()) // 60

    @property
    def alerts(self) -> MemoryAlerts:
        return self.clients.alerts  # type: ignore[return-value]

    @property
    def traffic(self) -> dict[str, int]:
        """What the production endpoint's traffic is, without deployments that have none."""
        endpoint = self.cloud.state["endpoints"].get("prod/onlineEndpoints/churn-online", {"traffic": {}})
        return {name: share for name, share in endpoint["traffic"].items() if share}

    async def entered(self, version: str, error: float = 1.0, columns: tuple[str, ...] = ("x",)) -> ModelVersion:
        """A version in the central registry, approved."""
        model = self.register(version, error, columns=columns)
        result = await self.finish(await self.promote(str(model), "central"))
        assert result.fate is c.Fate.PROMOTED, result
        return model

    async def released(self, version: str, columns: tuple[str, ...] = ("x",)) -> ModelVersion:
        """A version in production."""
        model = await self.entered(version, columns=columns)
        result = await self.finish(await self.promote(str(model), "prod"))
        assert result.fate is c.Fate.PROMOTED, result
        return model

    async def roll_back(self, reason: str = "complaints", **more: object) -> c.RollbackResult:
        """Order a rollback of churn, and let it end."""
        return await self.rolled_back(await self.order_rollback(reason, **more))

    async def order_rollback(self, reason: str = "complaints", **more: object) -> str:
        """The rollback of churn that linus has ordered."""
        status, answer = await self.ask("POST", "models/churn/rollback", {"reason": reason, **more}, "linus")
        assert status == 202, answer
        return str(answer["id"])

    async def rolled_back(self, rollback: str) -> c.RollbackResult:
        """How it ended."""
        outcome = await self.host.advance_until_finished(rollback, timeout=60)
        assert outcome.status == "Completed", outcome
        return decode(c.RollbackResult, outcome.output)

    async def shifting(self, version: str = "2") -> str:
        """The promotion of a version that has begun to take traffic beside the champion."""
        promotion = await self.promote(str(await self.entered(version)), "prod")
        await self.until(lambda: len(self.traffic) == 2)
        return promotion

    async def order(self, promotion: str, kind: str, reason: str = "complaints", who: str = "linus") -> dict[str, Any]:
        """What a person orders during a rollout."""
        status, answer = await self.ask("POST", f"rollouts/{promotion}/{kind}", {"reason": reason}, who)
        assert status == 200, answer
        return dict(answer)

    def change_by_hand(self, traffic: dict[str, int]) -> None:
        """Somebody else changes the traffic of the production endpoint."""
        self.cloud.state["endpoints"]["prod/onlineEndpoints/churn-online"]["traffic"] = traffic

    def served_shares(self, model: str) -> list[int]:
        """Each share that *model* had, in order."""
        served = served_intervals(self.clients.statements, "prod", "churn-online")
        return [interval.share for interval in served if interval.model == model]

    def locked(self) -> list[str]:
        """The locks that a promotion holds."""
        return [blob.path for blob in self.hub.list("signalbox", "locks/")]

    async def watched(self, promotion: str) -> None:
        """Until the first look at the first step is taken."""
        for _ in range(60):
            if (await self.ask("GET", f"rollouts/{promotion}"))[0] == 200:
                return
            await self.pass_time(seconds=10)
        raise TimeoutError(f"nobody looked at {promotion}")

    def deployment(self, model: ModelVersion) -> str:
        """The deployment of *model* in production."""
        start = "prod/onlineEndpoints/churn-online/"
        (name,) = (
            key.removeprefix(start)
            for key, served in self.cloud.state["deployments"].items()
            if key.startswith(start) and served.endswith(str(model))
        )
        return str(name)


RolloutStep = Step[RolloutApp]


async def running(
    policy: RolloutPolicy,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    approvals: ApprovalPolicy = NOBODY_ASKED,
    stages: tuple[Stage, ...] = STAGES,
    after: Sequence[RolloutStep] = (),
) -> AsyncIterator[RolloutApp]:
    configuration = configuration_with(policy, approvals, stages)
    async for app in running_with(configuration, folder, monkeypatch, after):
        yield app


async def running_with(
    configuration: Configuration, folder: Path, monkeypatch: pytest.MonkeyPatch, after: Sequence[RolloutStep] = ()
) -> AsyncIterator[RolloutApp]:
    """The app with *configuration*, in which the steps *after* were taken."""
    start = partial(_running, configuration)
    past = await past_after(after, repr(configuration), start)
    async with start(folder, monkeypatch, past) as app:
        yield app


@asynccontextmanager
async def _running(
    configuration: Configuration, folder: Path, monkeypatch: pytest.MonkeyPatch, past: Past | None
) -> AsyncIterator[RolloutApp]:
    async with promotions.running(configuration, folder, monkeypatch, past, alerts=MemoryAlerts()) as made:
        traffic = MemoryTraffic(made.endpoints, made.clients.clock.now)
        vars(made.clients).update(
            memory_traffic=traffic,
            traffic_figures=lambda source: traffic,
            traffic_log=traffic,
            output_figures=MemoryOutputs(traffic),
        )
        yield RolloutApp(host=made.host, clients=made.clients, cloud=made.cloud)


async def release_first(app: RolloutApp) -> None:
    await app.released("1")


async def release_second(app: RolloutApp) -> None:
    """An hour after the first, which is known to be good by then."""
    await app.pass_time(hours=1)
    await app.released("2")


async def enter_first(app: RolloutApp) -> None:
    await app.entered("1")


async def enter_second(app: RolloutApp) -> None:
    await app.entered("2")


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    async for made in running(POLICY, tmp_path, monkeypatch):
        yield made


@pytest.fixture
async def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Version 1 is in production."""
    async for made in running(POLICY, tmp_path, monkeypatch, after=(release_first,)):
        yield made


@pytest.fixture
async def replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Version 2 is in production, and version 1, which is known to be good, is kept warm."""
    async for made in running(POLICY, tmp_path, monkeypatch, after=(release_first, release_second)):
        yield made


def because(result: c.PromotionResult) -> str:
    return "; ".join(result.because)


def revoke(app: RolloutApp, model: ModelVersion) -> None:
    """Say of the entry of *model* that it is revoked."""
    entry = entry_statement(app.clients.statements, history_of(app.clients.audit, model), model, [])
    assert entry is not None
    revoked = replace(entry, state=EntryState.REVOKED.value, at=app.clients.clock.now())
    path = sign_entry(app.clients.statements, "revoked-by-hand", revoked)
    app.clients.models.tag(CENTRAL, model, {STATE: EntryState.REVOKED.value})
    app.clients.audit.append(f"{path}/stated", "entry restated", str(model), "ada", {ENTRY_STATEMENT: path})


def alert(rule: str, deployment: str, since: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> FiringAlert:
    return FiringAlert(id=f"{rule}-{deployment}-{since:%d%H%M}", rule=rule, since=since, deployment=deployment)


def pushed(alert: FiringAlert, endpoint: str = "churn-online", condition: str = "Fired") -> dict[str, Any]:
    """The same alert as a webhook sends it, in the common alert schema."""
    workspace = "/subscriptions/p/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/prod"
    dimensions = [{"name": "deployment", "value": alert.deployment}] if alert.deployment else []
    criterion = {"metricName": "RequestsPerMinute", "dimensions": dimensions, "operator": "GreaterThan"}
    window = {"windowStartTime": alert.window_start.isoformat()} if alert.window_start else {}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"/subscriptions/p/providers/Microsoft.AlertsManagement/alerts/{alert.id.upper()}",
                "alertRule": alert.rule,
                "monitorCondition": condition,
                "alertTargetIDs": [f"{workspace}/onlineEndpoints/{endpoint.upper()}"],
                "firedDateTime": alert.since.isoformat(),
                "description": alert.description,
            },
            "alertContext": {"condition": {"allOf": [criterion], **window}},
        },
    }
