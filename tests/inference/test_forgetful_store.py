"""A store that lost its last seconds: the app notices, tells the world nothing false, and leaves no run open."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.application.inference.open_runs import keep_open
from shared.codec import decode
from shared.ports import Blob
from signalbox.host.clock import VirtualClock
from tests.amounts import amount
from tests.fakes.ports import FakeClients
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION, InferenceApp

ARRIVED = 7  # Changes between the run's record and the job at work.
Key = tuple[str, str]
Held = tuple[Blob, bytes]


class Forgetful(dict[Key, Held]):
    """The blobs of a hub, with every change remembered, so that the last ones can be undone."""

    def __init__(self, blobs: dict[Key, Held]) -> None:
        super().__init__(blobs)
        self.before: list[tuple[Key, Held | None]] = []

    def __setitem__(self, key: Key, held: Held) -> None:
        self.before.append((key, self.get(key)))
        super().__setitem__(key, held)

    def __delitem__(self, key: Key) -> None:
        self.before.append((key, self.get(key)))
        super().__delitem__(key)

    def forget(self, changes: int) -> None:
        """Undo the last *changes*, but for the files that arrived: their senders have them still."""
        for _ in range(min(changes, len(self.before))):
            key, held = self.before.pop()
            if key[0] == "landing":
                continue
            if held is None:
                super().pop(key, None)
            else:
                super().__setitem__(key, held)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceApp]:
    clock = VirtualClock()
    made = FakeClients(CONFIGURATION, clock.now)
    made.hub.blobs = Forgetful(made.hub.blobs)  # type: ignore[attr-defined]
    async with hosted(made, clock, tmp_path, monkeypatch) as host:
        yield InferenceApp(host=host, clients=made)


def changes(app: InferenceApp) -> Forgetful:
    blobs: Any = app.hub.blobs
    assert isinstance(blobs, Forgetful)
    return blobs


def inference_of(app: InferenceApp, run: str) -> c.Inference:
    """What the run's orchestration was started with, which its host still knows."""
    return decode(c.Inference, app.record(run)["inference"])


@pytest.mark.long
async def test_whatever_a_store_forgets_of_a_finished_run_it_stays_what_it_was(app: InferenceApp) -> None:
    """One run for each number of changes that are lost, from none to all that it made; in short for every fourth."""
    lost = 0
    while True:
        begun = len(changes(app).before)
        run = await app.arrive(f"landing/each/north/{lost}.csv")
        await app.finish(run)
        await app.host.settle()
        if lost > len(changes(app).before) - begun:
            break
        changes(app).forget(lost)
        await app.pass_time(1300)

        record = app.record(run)
        assert record.get("outcome") == "completed", (lost, record)
        outcomes = {kind for _, kind, data in app.announced.events if data["run"] == run}
        assert outcomes == {"Signalbox.Inference.Completed"}, (lost, outcomes)
        assert len({event for event, _, data in app.announced.events if data["run"] == run}) == 1, lost
        assert not list(app.hub.list("signalbox", "runs-open/")), lost
        assert max(app.jobs.created.values()) == 1, lost
        lost += amount(4, 1)
    assert lost > 8


async def test_a_manifest_that_the_store_has_lost_is_named_on_the_record_and_not_announced_again(
    app: InferenceApp,
) -> None:
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    told, inference = len(app.announced.events), inference_of(app, run)
    changes(app).forget(len(changes(app).before))
    keep_open(app.hub, inference)
    await app.pass_time(1300)

    record = app.record(run)
    assert record["outcome"] == "completed"
    assert f"the store has lost predictions/each/{run}/_manifest.json" in record["because"]
    assert record["manifest"] == ""
    assert len(app.announced.events) == told


@pytest.mark.parametrize("lost", [1, 3, 5, 7, 9, 11])
async def test_a_run_whose_store_forgets_while_its_job_works_ends_once_and_is_closed(
    app: InferenceApp, lost: int
) -> None:
    working = True
    app.jobs.status_after = lambda looks: "Running" if working else "Completed"
    run = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(30)
    changes(app).forget(lost)
    working = False
    await app.pass_time(1300)

    record = app.record(run)
    assert record["outcome"] in ("completed", "failed")
    assert record["route"] == "each"
    assert ("restored" in record) == (lost > ARRIVED), record
    assert len({event for event, _, _ in app.announced.events}) == 1
    assert not list(app.hub.list("signalbox", "runs-open/"))
    assert app.host.get(run).status == "Completed"
