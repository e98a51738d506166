"""The whole product on the real host, with a hub that counts and fails, and a clock of the product's own to set."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from azure.functions.meta import Datum

from shared.adapters.azure_storage.ledger import BlobLedger
from shared.codec import decode
from shared.domain.configuration import Configuration
from shared.domain.failures import Transient
from shared.domain.inference.routes import Group, Grouping, HubLayout
from shared.domain.schedules.due_times import CatchUp, Schedule, Target
from shared.ports import Blob
from shared.records.schedules import Timetable
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import FakeClients, MemoryHub
from tests.hosted import hosted
from tests.inference.conftest import WORKSPACE, InferenceApp, a_route
from tests.unit.schedules.oracle import utc

NOON = utc("2026-03-28T12:00")


class TroubledHub(MemoryHub):
    """Counts every call, and fails the one whose turn it is: before it does anything, or after."""

    calls = 0
    fail_in: int | None = None
    after = False

    def _count(self) -> bool:
        self.calls += 1
        if self.fail_in is None:
            return False
        self.fail_in -= 1
        if self.fail_in >= 0:
            return False
        self.fail_in = None
        if not self.after:
            raise Transient("the hub did not answer")
        return True

    def _done(self, result: Any, failing: bool) -> Any:
        if failing:
            raise Transient("the hub's answer was lost")
        return result

    def list(self, container: str, prefix: str) -> Iterator[Blob]:
        return self._done(super().list(container, prefix), self._count())

    def find(self, container: str, path: str) -> Blob | None:
        return self._done(super().find(container, path), self._count())

    def read(self, container: str, path: str) -> bytes | None:
        return self._done(super().read(container, path), self._count())

    def create(
        self, container: str, path: str, data: bytes | IO[bytes], metadata: Mapping[str, str] | None = None
    ) -> bool:
        failing = self._count()
        return self._done(super().create(container, path, data, metadata), failing)

    def replace(
        self, container: str, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        failing = self._count()
        return self._done(super().replace(container, path, data, etag, metadata), failing)

    def append(self, container: str, path: str, line: bytes) -> bool:
        failing = self._count()
        return self._done(super().append(container, path, line), failing)


def a_schedule(name: str, cron: str, **rest: Any) -> Schedule:
    return Schedule(name=name, cron=cron, **{"target": Target.RETRAIN, "of": "risk", **rest})


CONFIGURATION = Configuration(
    hub=HubLayout(account="datahub"),
    routes=(
        a_route("waiting", Group(kind=Grouping.SCHEDULE)),
        replace(a_route("folder"), publish="predictions/folder/{run}"),
    ),
    workspaces=(WORKSPACE,),
    schedules=(
        a_schedule("hourly", "0 * * * *"),
        a_schedule("nightly", "30 2 * * *", timezone="Europe/Paris", catch_up=CatchUp.LATEST, jitter_s=600),
        a_schedule("often", "*/7 * * * *", catch_up=CatchUp.ALL),
        a_schedule("scoring", "15 * * * *", target=Target.SCORE, of="waiting"),
        a_schedule("again", "45 12 * * *", target=Target.SCORE, of="folder", input="landing/reference/**"),
    ),
)


@dataclass
class SchedulesApp(InferenceApp):
    """The app, and the time that it believes it is."""

    now: datetime = NOON

    @property
    def troubled(self) -> TroubledHub:
        return self.clients.hub  # type: ignore[return-value]

    async def tick(self, now: datetime | None = None) -> None:
        """What the timer does at *now*, retries included."""
        self.now = now or self.now
        await self.host.call("tick_schedules", Datum("{}", "json"))
        await self.host.advance(timedelta(seconds=30), timeout=60)

    async def ticks(self, until: datetime, every: timedelta = timedelta(minutes=1)) -> None:
        while self.now < until:
            await self.tick(min(until, self.now + every))

    def fired(self, schedule: str) -> list[str]:
        """The due times (UTC) about which something was done, in order."""
        prefix = f"schedules/fired/{schedule}/"
        paths = [blob.path for blob in MemoryHub.list(self.hub, "signalbox", prefix)]
        return [datetime.strptime(f"{path[-25:-5]}+0000", "%Y%m%dT%H%M%S%f%z").strftime("%dT%H:%M") for path in paths]

    def causes(self) -> Counter[str]:
        """How often each cause was written."""
        return Counter({path: count for path, count in self.hub.writes.items() if "/causes/" in path})

    def timetable(self) -> Timetable:
        return decode(Timetable, json.loads(MemoryHub.read(self.hub, "signalbox", "schedules/clock.json") or b"{}"))

    def log(self) -> list[dict[str, Any]]:
        """Everything in the schedules' log, whatever the day."""
        found = [blob.path for blob in MemoryHub.list(self.hub, "signalbox", "schedules/log/")]
        return [line for path in found for line in self.lines(path)]


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SchedulesApp]:
    clock = VirtualClock()
    made = FakeClients(CONFIGURATION, clock.now)
    hub = TroubledHub(clock.now)
    vars(made).update(hub=hub, ledger=BlobLedger(hub, "signalbox"))
    async with hosted(made, clock, tmp_path, monkeypatch, sweeps="0 0 0 1 1 *", ticks="0 0 0 1 1 *") as host:
        there = SchedulesApp(host=host, clients=made)
        made.clock.now = lambda: there.now
        made.jobs._hub = hub  # type: ignore[attr-defined]
        made.data_checks._hub = hub  # type: ignore[attr-defined]
        await there.tick()
        yield there
