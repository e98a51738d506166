"""Arrivals of a batch endpoint during a rollout: a share is scored by the new version, and by the champion too."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.domain.inference.routes import Group, OnMissingRows, Route, Scoring
from shared.domain.inference.runs import RunOutcome
from shared.domain.rollout.arrivals import is_chosen
from shared.domain.rollout.policy import BatchShare, TrafficStep
from shared.ports import BatchJob
from shared.records.production.rollouts import step_at
from tests.fakes.ports import MemoryJobs
from tests.fakes.rollout import MemoryAlerts, MemoryTraffic
from tests.inference.conftest import InferenceApp
from tests.promotion import conftest as promotions
from tests.rollout.conftest import POLICY, PROD, RolloutApp, because, configuration_with
from tests.rollout.test_batch import with_batch

ROUTE = Route(
    name="wards",
    take="landing/wards/{name}.csv",
    contract="c",
    score=Scoring(workspace=PROD, endpoint="churn-batch", model="churn", follows=True),
    publish="predictions/wards/{version}/{run}",
    group=Group(),
    on_missing_rows=OnMissingRows.PARTIAL,
)
HALF = replace(POLICY, steps=(TrafficStep(weight=50), TrafficStep(weight=100)), batch=BatchShare(rows=30))
ROWS = "id,x\n" + "".join(f"{row},{row}\n" for row in range(40))


class ScoringJobs(MemoryJobs):
    """Jobs whose output each version writes itself: *lost* rows of each are left out."""

    def __init__(self, jobs: MemoryJobs) -> None:
        vars(self).update(vars(jobs))
        self.lost: dict[str, int] = {}
        self.scored: list[tuple[str, str]] = []

    def _score(self, job: BatchJob) -> None:
        self.scored.append((job.name, job.scoring.version))
        self.lose_rows = self.lost.get(job.scoring.version, 0)
        super()._score(job)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    configuration = replace(with_batch(configuration_with(HALF)), routes=(ROUTE,))
    async with promotions.running(configuration, tmp_path, monkeypatch, alerts=MemoryAlerts()) as made:
        traffic, jobs = MemoryTraffic(made.endpoints, made.clients.clock.now), ScoringJobs(made.clients.jobs)  # type: ignore[arg-type]
        vars(made.clients).update(memory_traffic=traffic, traffic_figures=lambda source: traffic, jobs=jobs)
        yield RolloutApp(host=made.host, clients=made.clients, cloud=made.cloud)


def jobs_of(app: RolloutApp) -> ScoringJobs:
    jobs = app.clients.jobs
    assert isinstance(jobs, ScoringJobs)
    return jobs


async def score(app: RolloutApp, names: list[str]) -> dict[str, c.InferenceResult]:
    """The runs of files with these names, finished."""
    inference = InferenceApp(host=app.host, clients=app.clients)
    runs = {name: await inference.arrive(f"landing/wards/{name}.csv", ROWS.encode()) for name in names}
    return {name: await inference.finish(run) for name, run in runs.items()}


def names_for(deployment: str, count: int, percent: int = 50) -> tuple[list[str], list[str]]:
    """Names of files that *deployment* scores, and of others."""
    names = [f"f{number}" for number in range(200)]
    chosen = [name for name in names if is_chosen(deployment, f"landing/wards/{name}.csv", percent)]
    return chosen[:count], [name for name in names if name not in chosen][:count]


def version_of(app: RolloutApp, result: c.InferenceResult) -> str:
    container, _, path = result.manifest.partition("/")
    return str(json.loads(app.hub.read(container, path) or b"{}")["model"]["version"])


async def test_a_share_of_the_arrivals_is_scored_by_both_and_a_worse_version_is_aborted(app: RolloutApp) -> None:
    await app.released("1")
    promotion = await app.shifting("2")
    canary = next(name for name in app.traffic if name.startswith("v2-"))
    chosen, others = names_for(canary, 3)
    jobs_of(app).lost["2"] = 15
    results = await score(app, [*chosen, *others])

    assert {version_of(app, results[name]) for name in chosen} == {"2"}
    assert {version_of(app, results[name]) for name in others} == {"1"}
    assert results[chosen[0]].outcome is RunOutcome.PARTIAL
    result = await app.finish(promotion)
    assert result.fate is c.Fate.HELD
    assert "errors" in because(result)
    again = [name for name, version in jobs_of(app).scored if version == "1" and name.endswith("-champion")]
    assert len(again) == len(set(again)) == 3
    later = await score(app, [f"{chosen[0]}"])
    assert version_of(app, later[chosen[0]]) == "1"  # The traffic is back, and so are the arrivals.


async def test_an_equal_version_goes_on_with_its_compared_rows_in_the_signed_record(app: RolloutApp) -> None:
    await app.released("1")
    promotion = await app.shifting("2")
    canary = next(name for name in app.traffic if name.startswith("v2-"))
    chosen, _ = names_for(canary, 2)
    await score(app, chosen)
    result = await app.finish(promotion)

    assert result.fate is c.Fate.PROMOTED, result
    record = step_at(app.clients.statements, promotion, "prod", 0)
    assert record is not None
    arrivals = [*record.counts.arrivals, *record.last.arrivals]
    assert len(arrivals) == len(set(arrivals)) == 2
    pairs = [pair for part in (record.counts, record.last) for replayed in part.batch for pair in replayed.pairs]
    assert sum(pair.pairs for pair in pairs) == 60
    assert not any(pair.canary_only or pair.champion_only for pair in pairs)
