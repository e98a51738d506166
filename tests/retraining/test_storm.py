"""Storms of causes of all kinds, by their own doors, while they are considered: none is lost, none counts twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.functions.meta import Datum

from shared.domain.drift.watch import DriftWatch
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.rules import Limits
from shared.domain.schedules.due_times import Schedule, Target
from shared.records import paths as records
from tests.retraining.conftest import RetrainingApp, hours
from tests.unit.schedules.oracle import MORE

PAYLOADS = Path(__file__).parents[1] / "payloads"
WATCH = DriftWatch(model="churn", sources=("weekly-monitor", "drift-alert"))
SCHEDULES = tuple(Schedule(name=f"s{n}", cron="* * * * *", target=Target.RETRAIN, of="churn") for n in range(20))
AT_ONCE = 12


def payload(name: str) -> Any:
    raw = (PAYLOADS / f"{name}.json").read_text()
    return json.loads(raw.replace("/workspaces/w", "/workspaces/dev"))


class Storm:
    """What asks for churn to be retrained, one cause a call."""

    def __init__(self, app: RetrainingApp) -> None:
        configuration = app.clients.configuration
        vars(app.clients)["configuration"] = replace(configuration, drift=(WATCH,), schedules=SCHEDULES)
        self._works, self._lanes = app, asyncio.Semaphore(AT_ONCE)
        doors = (self._person, self._pipeline, self._v1, self._v2, self._alert_event, self._webhook)
        self._doors: tuple[Callable[[int], Awaitable[None]], ...] = doors

    async def wave(self, numbers: range) -> None:
        """Each from the next door, several at once."""

        async def one(number: int) -> None:
            async with self._lanes:
                await self._doors[number % len(self._doors)](number)

        await asyncio.gather(*(one(number) for number in numbers))

    async def tick(self) -> None:
        """What the schedules' timer does."""
        await self._works.host.call("tick_schedules", Datum("{}", "json"))

    async def data(self) -> None:
        """Enough new files."""
        for name, start in (("second", 510), ("third", 520)):
            await self._works.tell(self._works.label(name, start=start))

    async def _person(self, number: int) -> None:
        await self._asked("models/churn/retrain", {"reason": f"wish {number}"}, "ada")

    async def _pipeline(self, number: int) -> None:
        await self._asked("models/churn/retrain", {"reason": f"build {number}"})

    async def _webhook(self, number: int) -> None:
        await self._asked("alerts", self._alert(number))

    async def _asked(self, path: str, body: Any, who: str = "") -> None:
        status, answer = await self._works.ask("POST", path, body, who)
        assert status == 202, answer

    async def _v1(self, number: int) -> None:
        event = payload("dataset_drift_detected.grid")
        event["data"]["RunId"] = f"v1-{number}"
        await self._deliver(event)

    async def _v2(self, number: int) -> None:
        event = payload("run_status_changed.monitor.grid")
        event["data"]["runId"] = f"v2-{number}"
        await self._deliver(event)

    async def _alert_event(self, number: int) -> None:
        event = {
            "id": f"e{number}",
            "topic": "t",
            "subject": "s",
            "eventType": "Alert",
            "eventTime": "2026-01-02T00:10:00Z",
        }
        await self._deliver(event | {"data": self._alert(number)})

    def _alert(self, number: int) -> Any:
        alert = payload("common_alert.fired")
        alert["data"]["essentials"]["alertId"] += str(number)
        return alert

    async def _deliver(self, event: Any) -> None:
        await self._works.host.call("receive_hub_event", Datum(json.dumps(event), "json"))


@pytest.fixture
def storm(app: RetrainingApp) -> Storm:
    return Storm(app)


def recorded(app: RetrainingApp) -> Iterator[str]:
    """The ids of all causes."""
    for blob in app.hub.list("signalbox", records.causes("churn")):
        yield blob.path.rpartition("/")[2].removesuffix(".json")


async def test_a_thousand_causes_of_all_kinds_become_one_run_that_lists_them(app: RetrainingApp, storm: Storm) -> None:
    """Some dozens by their doors, the others as doors record them; all by their doors with SIGNALBOX_EXAMPLES=4."""
    each, kinds = 36 * MORE if MORE > 1 else 12, list(CauseKind)
    for number in range(1000 - 7 * each):
        app.cause(kinds[number % len(kinds)], number)
    await storm.tick()
    await storm.data()
    for wave in range(7):
        await asyncio.gather(storm.wave(range(wave * each, wave * each + each)), app.pass_time(timedelta(seconds=45)))
        await storm.tick()
    found = Counter(cause.split("-")[0] for cause in recorded(app))
    assert app.runs() == []

    result = await app.retrained()
    await hours(app, 5)

    claim = app.part("claim.json")
    assert found.total() >= 1000, found
    assert found.keys() == {kind.value for kind in kinds}
    assert sorted(cause["id"] for cause in claim["causes"]) == sorted(recorded(app))
    assert set(app.settled()) == {result.run}
    assert app.pipelines.submissions.total() == len(app.runs()) == 1


async def test_a_storm_over_the_whole_life_of_a_run_loses_nothing(app: RetrainingApp, storm: Storm) -> None:
    """Causes come while others are claimed, while the run trains, while it ends, and while the next is weighed."""
    app.change(limits=Limits(debounce_s=0, min_interval_s=120))
    app.pipelines.status_after = lambda looks: "Completed" if looks > 4 else "Running"

    for wave in range(8):
        await asyncio.gather(storm.wave(range(wave * 6, wave * 6 + 6)), app.pass_time(timedelta(seconds=7)))
    await hours(app, 3)

    runs = [run["run"] for run in app.runs()]
    claims = [app.hub.read("signalbox", records.retraining_part(run, "claim.json")) or b"" for run in runs]
    listed = [cause["id"] for claim in claims for cause in json.loads(claim)["causes"]]
    answered = Counter([*listed, *(each for run in app.runs() for each in run["absorbed"])])
    assert answered == Counter(recorded(app))
    assert answered.total() == 48
    assert set(app.settled()) == set(runs)
    assert app.pipelines.submissions.total() == len(runs) == 2
