"""The whole way on the real host: the timer publishes what was collected, and the drift watch looks at it by itself."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from signalbox.host.clock import VirtualClock
from tests.answers.test_publishing import DEPLOYMENT, RULE, sent
from tests.drift.conftest import WATCH, DriftApp, configuration, reference, rows, watched
from tests.fakes.collected import MemoryCollector
from tests.fakes.ports import FakeClients
from tests.fakes.promotion import MemoryCloud, MemoryEndpoints
from tests.hosted import hosted
from tests.inference.conftest import WORKSPACE


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DriftApp]:
    clock = VirtualClock()
    clients = FakeClients(replace(configuration(WATCH, retrained=False), answers=(RULE,)), clock.now)
    watched(clients, tmp_path, reference())
    cloud = MemoryCloud()
    model = "/subscriptions/s/workspaces/w/models/m/versions/1"
    cloud.state["deployments"][f"{WORKSPACE.name}/onlineEndpoints/scores/{DEPLOYMENT}"] = model
    vars(clients).update(endpoints=MemoryEndpoints(cloud), collected_files=MemoryCollector())
    async with hosted(clients, clock, tmp_path, monkeypatch, sweeps="0 20 * * * *") as host:
        yield DriftApp(host=host, clients=clients)


async def test_answers_that_drift_are_published_and_become_a_cause(app: DriftApp) -> None:
    collector, now = app.clients.collected_files, app.clients.clock.now()
    assert isinstance(collector, MemoryCollector)
    columns = rows(5, 300, x=1.0)
    cells = list(zip(columns["x"].tolist(), columns["y"].tolist(), strict=True))
    collector.exchange(DEPLOYMENT, f"{now:%Y-%m-%dT%H}", "r1", sent(*cells), [2 * x for x, _ in cells])
    await app.pass_time(hours=3, minutes=5)

    assert app.announced.kinds[:2] == ["Signalbox.Answers.Published", "Signalbox.Drift.Detected"]
    (cause,) = app.causes
    assert (cause["kind"], cause["facts"]["rows"], cause["facts"]["score"]) == ("drift", "300", "moved")
