"""A warm rollback through the Azure ML emulator at its slowest: the order, and then the traffic within two minutes.

The host, its orchestrator and the activities are the app's own. Production's endpoint is the emulator's, over its
protocols by the app's adapter, and its clock moves with the host's. What a rollback asks of other services is in
memory.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.azure_ml.arm import Arm
from shared.adapters.azure_ml.endpoints import AzureMlEndpoints
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.ports import DeploymentSeen, EndpointKind, EndpointResponse, EndpointSeen, OnlineRequest
from signalbox.host.clock import VirtualClock
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.provision import Registered, Registrable, register
from tests.amounts import sample
from tests.emulators.conftest import Ml
from tests.emulators.online import Online, conditions, control
from tests.emulators.test_endpoints_adapter import WORKSPACE
from tests.rollout.conftest import FIRST, POLICY, PROD, SECOND, RolloutApp, release_first, release_second, running

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml"), pytest.mark.long]

ENDPOINT = "churn-online"
ORDER_TO_TRAFFIC_S, REAL_WORK_S = 120.0, 10.0
CALLS = 60  # Of the adapter: those that decide, one for each golden request, and a look with each timer.
# Azure documents no time for a change of traffic. The longest that it names is the minute after which one that was
# cancelled by the lock of another may be sent again.
MINUTE: dict[str, Any] = {"pace": {"endpoint_s": 60.0}}
AT_ONCE: dict[str, Any] = {"pace": {"endpoint_s": 0.0}}
CANCELLED = {"pace": {"endpoint_s": 20.0}, "changes": [{"match": ENDPOINT, "mode": "cancelled", "nth": 1}]}
SCORE = """
import json, os
from pathlib import Path

def init():
    global off
    off = json.loads(next(Path(os.environ["AZUREML_MODEL_DIR"]).rglob("weights.json")).read_text())

def run(raw_data):
    return [row[0] + off for row in json.loads(raw_data)["input_data"]["data"]]
"""


class AzureProduction:
    """Production's online endpoint is the emulator's; *calls* of the adapter are counted."""

    def __init__(self, azure: AzureMlEndpoints) -> None:
        self._azure, self.calls = azure, Counter[str]()

    def find(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> EndpointSeen | None:
        self.calls["find"] += 1
        return self._azure.find(WORKSPACE, kind, endpoint)

    def deployment(self, workspace: Workspace, kind: EndpointKind, endpoint: str, name: str) -> DeploymentSeen | None:
        self.calls["deployment"] += 1
        return self._azure.deployment(WORKSPACE, kind, endpoint, name)

    def route(self, workspace: Workspace, endpoint: str, traffic: Mapping[str, int]) -> bool:
        self.calls["route"] += 1
        return self._azure.route(WORKSPACE, endpoint, traffic)

    def invoke(self, request: OnlineRequest) -> EndpointResponse:
        self.calls["invoke"] += 1
        return self._azure.invoke(replace(request, workspace=WORKSPACE))


@pytest.fixture
async def replaced(ml: Ml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Version 2 serves the emulated endpoint alone, and version 1 is kept warm beside it."""
    async for app in running(POLICY, tmp_path, monkeypatch, after=(release_first, release_second)):
        await asyncio.to_thread(_deploy, ml, app, tmp_path)
        for name, value in ml.endpoints.environment().items():
            monkeypatch.setenv(name, value)
        identity = LocalIdentity(ml.endpoints)
        hosts = (f"localhost:{ml.endpoints.azureml}",)
        azure = AzureMlEndpoints(Arm(identity, ml.endpoints.resource_manager), identity, "https://ml.azure.com", hosts)
        vars(app.clients).update(endpoints=AzureProduction(azure))
        yield app


def _deploy(ml: Ml, app: RolloutApp, folder: Path) -> None:
    """Both versions as production has them, with a script that answers as they did."""
    online: Online | None = None
    for model in (FIRST, SECOND):
        assets = _registered(ml, model, app.cloud.predict[str(model)]({"x": 7}) - 7, folder / model.version)
        online = Online(ml, ENDPOINT, assets)
        online.properties["authMode"] = "AADToken"
        if model is FIRST:
            online.create()
        online.deploy(app.deployment(model))
    assert online is not None
    online.share({app.deployment(SECOND): 100})


def _registered(ml: Ml, model: ModelVersion, off: float, folder: Path) -> Registered:
    (folder / "model").mkdir(parents=True)
    (folder / "code").mkdir()
    (folder / "model" / "weights.json").write_text(json.dumps(off))
    (folder / "code" / "score.py").write_text(SCORE)
    (folder / "env.yaml").write_text("name: e\ndependencies: [python=3.11]\n")
    wanted = Registrable(
        model=model.name,
        version=model.version,
        model_path=folder / "model",
        code_path=folder / "code",
        environment_file=folder / "env.yaml",
    )
    return register(ml.endpoints, wanted, "mlw-preprod")


@pytest.mark.parametrize("slowness", sample([AT_ONCE, CANCELLED, MINUTE], 1), ids=str)
async def test_from_the_order_to_the_traffic_are_less_than_two_minutes(
    ml: Ml, replaced: RolloutApp, monkeypatch: pytest.MonkeyPatch, slowness: dict[str, Any]
) -> None:
    def move_both(clock: VirtualClock, moment: datetime) -> None:
        control(ml, "/_control/clock", {"advance_s": max(0.0, (moment - clock.now()).total_seconds())})
        advance_to(clock, moment)

    def emulated_now() -> float:
        return float(control(ml, "/_control/clock")["now"])

    advance_to = VirtualClock.advance_to
    monkeypatch.setattr(VirtualClock, "advance_to", move_both)
    azure = replaced.clients.endpoints
    assert isinstance(azure, AzureProduction)
    with conditions(ml, **slowness):
        began_s, real_s = emulated_now(), time.perf_counter()
        result = await replaced.roll_back()
        took_s, worked_s = emulated_now() - began_s, time.perf_counter() - real_s

    print(f"{slowness}: {took_s:.1f} s on the emulator's clock, {worked_s:.1f} s of work, {dict(azure.calls)}")
    assert (result.done, result.to) == (True, str(FIRST)), result
    online = azure.find(PROD, EndpointKind.ONLINE, ENDPOINT)
    assert online is not None
    assert (online.shares, online.settled) == ({replaced.deployment(FIRST): 100}, True)
    assert took_s < ORDER_TO_TRAFFIC_S
    assert worked_s < REAL_WORK_S
    assert azure.calls.total() < CALLS
