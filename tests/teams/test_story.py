"""Two teams in one app: a file of each lands, each sees its own run, and a burst of one does not hold the other."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.functions.meta import Datum

from shared.application.teams.announcements import TeamAnnouncer
from shared.config import load
from shared.domain import identity
from shared.domain.promotion.approvals import Person
from shared.domain.teams.quotas import RunUsage
from shared.records import team_paths
from signalbox.host.clock import VirtualClock
from tests.fakes.ports import FakeClients, MemoryAnnouncer, MemoryJobs
from tests.fakes.promotion import NamedPeople
from tests.hosted import HostedApp, hosted
from tests.inference.conftest import created
from tests.two_teams import write_two_teams


class TeamsApp(HostedApp):
    """The app with the projects of two teams."""

    @property
    def jobs(self) -> MemoryJobs:
        return self.clients.jobs  # type: ignore[return-value]

    async def land(self, team: str, name: str, content: bytes = b"id,y\n1,2\n") -> str:
        """The run that a file of *team* starts."""
        blob = self.hub.land(f"landing/{team}/{name}.csv", content)
        await self.host.call("receive_hub_event", Datum(json.dumps(created(blob, f"{team}-{name}")), "json"))
        return identity.run_id(f"{team}-daily", [identity.arrival_id(blob.arrival("datahub"))])

    async def ask(self, who: str, path: str, body: Any = None) -> Any:
        url, headers = f"{self.host.url}/api/v1/{path}", {"Authorization": f"Bearer {who}"}
        method = "GET" if body is None else "POST"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, json=body) as answer,
        ):
            return await answer.json(content_type=None)

    def used(self) -> RunUsage:
        return self.clients.store.get(RunUsage, team_paths.team_runs("churn")) or RunUsage()

    def outcomes(self) -> list[str]:
        runs = (blob.path for blob in self.hub.list("signalbox", "runs/") if blob.path.endswith("/run.json"))
        return [json.loads(self.hub.read("signalbox", path) or b"{}").get("outcome", "") for path in runs]


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TeamsApp]:
    configuration, clock = replace(load(write_two_teams(tmp_path)), drift=()), VirtualClock()
    clients = FakeClients(configuration, clock.now)
    groups = {team: (f"{team}-scientists", f"{team}-engineers") for team in ("churn", "vision")}
    people = {team: Person(oid=team, name=team, groups=own) for team, own in groups.items()}
    announcer = TeamAnnouncer(MemoryAnnouncer(), configuration)
    vars(clients).update(identities=NamedPeople(people), announcer=announcer)
    async with hosted(clients, clock, tmp_path, monkeypatch, sweeps="0 0 0 1 1 *") as host:
        yield TeamsApp(host=host, clients=clients)


async def test_a_file_of_each_is_scored_and_each_sees_its_own(app: TeamsApp) -> None:
    runs = {team: await app.land(team, "a") for team in ("churn", "vision")}
    for run in runs.values():
        await app.host.advance_until_finished(run, timeout=60)

    for team, other in (("churn", "vision"), ("vision", "churn")):
        listed = await app.ask(team, "runs")
        assert [row["run"] for row in listed["runs"]] == [runs[team]]
        assert (await app.ask(team, f"runs/{runs[team]}"))["outcome"] == "completed"
        assert (await app.ask(team, f"runs/{runs[team]}/predictions"))["files"]
        assert (await app.ask(team, f"runs/{runs[other]}"))["title"] == "not found"
    announced = app.clients.announcer._announcer.events  # type: ignore[attr-defined]
    assert sorted(data["team"] for _, _, data in announced) == ["churn", "vision"]


async def test_a_burst_of_one_team_waits_for_its_quota_and_for_nobody_elses(app: TeamsApp) -> None:
    app.jobs.status_after = lambda looks: "Running"
    runs = [await app.land("churn", str(number)) for number in range(5)]
    await app.host.settle()

    assert len(app.used().running) == len(app.jobs.created) == 2
    waiting = [run for run in runs if run not in app.used().running]
    shown = await app.ask("churn", f"runs/{waiting[0]}")
    assert shown["step"] == "waiting for room"
    assert shown["because"] == "quota teams.churn.quotas.runs_at_once is 2, and 2 runs are being scored"
    (reason,) = (await app.ask("churn", f"explanations/{waiting[0]}"))["unmet"]
    assert reason.startswith(shown["because"])
    other = await app.land("vision", "a")
    app.jobs.status_after = lambda looks: "Completed"
    await app.host.advance_until_finished(other, timeout=60)

    for run in runs:
        await app.host.advance_until_finished(run, timeout=60)
        assert len(app.used().running) <= 2

    assert app.outcomes() == ["completed"] * 6
    assert set(app.jobs.created.values()) == {1}
    assert app.used().running == {}
    assert list(app.clients.store.blobs(team_paths.waiting_runs("churn"))) == []


async def test_a_run_that_waits_can_be_cancelled_and_one_that_never_fits_is_refused(app: TeamsApp) -> None:
    app.jobs.status_after = lambda looks: "Running"
    runs = [await app.land("churn", str(number)) for number in range(3)]
    await app.host.settle()
    (waiting,) = (run for run in runs if run not in app.used().running)

    await app.ask("churn", f"runs/{waiting}/cancel", {"reason": "not needed"})
    await app.host.advance_until_finished(waiting, timeout=60)
    large = await app.land("churn", "large", b"id,y\n" + b"1,2\n" * 500)
    await app.host.advance_until_finished(large, timeout=60)

    assert (await app.ask("churn", f"runs/{waiting}"))["outcome"] == "cancelled"
    refused = await app.ask("churn", f"runs/{large}")
    assert refused["outcome"] == "failed"
    assert "quota teams.churn.quotas.bytes_a_day is 1000, and the run's files have 2005 bytes" in refused["because"]
