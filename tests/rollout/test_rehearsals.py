"""A promotion to pre-production rehearses the rollback; without it, or with an old one, production refuses."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused, Transient
from shared.domain.gates import GateSpec
from shared.domain.promotion.ladder import Serving, Stage
from shared.domain.rollout.rehearsals import Rehearsal, newest_rehearsal
from shared.domain.rollout.serving import ChangeKind
from shared.records.production.rehearsals import rehearsals_of
from shared.records.production.serving import served_intervals
from tests.promotion.conftest import DEV, PREPROD
from tests.rollout.conftest import (
    FIRST,
    POLICY,
    PROD,
    STAGES,
    RolloutApp,
    because,
    configuration_with,
    enter_first,
    running_with,
)
from tests.rollout.test_saga import NthFault

pytestmark = pytest.mark.xdist_group("rollout rehearsals")  # One process plays what they begin with.

PREPROD_TRAFFIC = "change preprod/onlineEndpoints/online traffic"


def configuration(*, rehearse: bool = True) -> Configuration:
    """A ladder with pre-production, and a production whose entry asks for a rehearsal of the last two hours."""
    gate = GateSpec(gate="rollback_rehearsed", options={"max_seconds": 120, "max_age_days": 0.1})
    preprod = Stage(
        name="preprod", source="dev", environment=PREPROD, serving=Serving(online="online"), rehearse=rehearse
    )
    central, prod = STAGES
    stages = (preprod, replace(central, source="preprod"), replace(prod, entry_gates=(gate,)))
    whole = configuration_with(POLICY)
    return replace(whole, workspaces=(DEV, PREPROD, PROD), ladder=replace(whole.ladder, stages=stages))


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    async for made in running_with(configuration(), tmp_path, monkeypatch):
        yield made


@pytest.fixture
async def entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Version 1 went through pre-production into the registry."""
    async for made in running_with(configuration(), tmp_path, monkeypatch, (enter_first,)):
        yield made


@pytest.fixture
async def unrehearsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    async for made in running_with(configuration(rehearse=False), tmp_path, monkeypatch):
        yield made


def rehearsed(app: RolloutApp) -> Rehearsal:
    newest = newest_rehearsal(rehearsals_of(app.clients.statements, "churn"))
    assert newest is not None
    return newest


def preprod_traffic(app: RolloutApp) -> list[tuple[str, int]]:
    """Which versions have which share in pre-production."""
    traffic = app.cloud.state["endpoints"]["preprod/onlineEndpoints/online"]["traffic"]
    deployments = app.cloud.state["deployments"]
    models = {name: deployments[f"preprod/onlineEndpoints/online/{name}"] for name in traffic}
    return [(models[name].rpartition("/")[2], share) for name, share in traffic.items() if share]


async def test_a_promotion_to_preproduction_rehearses_the_way_back_and_production_accepts_it(app: RolloutApp) -> None:
    await app.released("1")
    assert (rehearsed(app).restored_to, rehearsed(app).restored) == ("", True)
    await app.released("2")
    rehearsal = rehearsed(app)
    assert (rehearsal.left, rehearsal.restored_to, rehearsal.restored) == ("churn:2", "churn:1", True)
    assert rehearsal.because == "churn:1 answered as before"
    assert 0 <= rehearsal.seconds < 60
    assert rehearsal.deployed_s is not None
    assert preprod_traffic(app) == [("churn:2", 100)]


async def test_the_serving_history_has_both_ways_of_a_rehearsal(entered: RolloutApp) -> None:
    entered.endpoints.is_slow = True  # Every change takes time, so that no two are at one moment.
    await entered.entered("2")
    served = served_intervals(entered.clients.statements, "preprod", "online")
    assert [(interval.model, interval.began) for interval in served][-3:] == [
        ("churn:2", ChangeKind.REHEARSAL),
        ("churn:1", ChangeKind.REHEARSAL),
        ("churn:2", ChangeKind.SHIFT),
    ]


async def test_without_a_rehearsal_production_refuses(unrehearsed: RolloutApp) -> None:
    model = await unrehearsed.entered("1")
    result = await unrehearsed.finish(await unrehearsed.promote(str(model), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "rollback_rehearsed" in because(result)
    assert unrehearsed.traffic == {}


async def test_an_old_rehearsal_is_none(entered: RolloutApp) -> None:
    await entered.pass_time(hours=5)
    result = await entered.finish(await entered.promote(str(FIRST), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "rehearsed 0.2 days ago, at most 0.1 are allowed" in because(result)


async def test_a_version_before_that_answers_differently_is_no_way_back(app: RolloutApp) -> None:
    await app.released("1")
    app.cloud.predict["churn:1"] = lambda row: -1.0
    model = await app.entered("2")
    assert (rehearsed(app).restored, rehearsed(app).because) == (False, "1 of 1 golden requests of churn:1 deviate")
    assert preprod_traffic(app) == [("churn:2", 100)]
    result = await app.finish(await app.promote(str(model), "prod"))
    assert (result.fate, "did not answer as before" in because(result)) == (c.Fate.HELD, True), result


@pytest.mark.parametrize("nth", [0, 1], ids=["on the way there", "on the way back"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_rehearsal_that_fails_leaves_the_traffic_as_it_was(entered: RolloutApp, nth: int, when: str) -> None:
    entered.register("2", 1.0)
    before = preprod_traffic(entered)
    fault = NthFault(PREPROD_TRAFFIC, nth, Refused)
    setattr(entered.cloud, when, fault)
    result = await entered.finish(await entered.promote("churn:2", "central"))
    assert (result.fate, fault.fired) == (c.Fate.FAILED, True), result
    assert preprod_traffic(entered) == before == [("churn:1", 100)]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_passing_failures_of_a_rehearsal_change_nothing(entered: RolloutApp, when: str) -> None:
    fault = NthFault(PREPROD_TRAFFIC, 0, Transient, times=2)
    setattr(entered.cloud, when, fault)
    await entered.entered("2")
    assert (fault.fired, rehearsed(entered).left, rehearsed(entered).restored) == (True, "churn:2", True)
    assert preprod_traffic(entered) == [("churn:2", 100)]


async def test_the_plan_of_a_rollback_estimates_it_by_the_last_rehearsal(app: RolloutApp) -> None:
    first = await app.released("1")
    await app.pass_time(hours=1)
    await app.released("2")
    _, shown = await app.ask("GET", "models/churn/known-good")
    warm = shown["versions"][1]
    assert (warm["model"], warm["warm"]) == ("churn:1", True)
    assert warm["estimate_s"] == pytest.approx(rehearsed(app).seconds)
    del app.cloud.state["deployments"][f"prod/onlineEndpoints/churn-online/{app.deployment(first)}"]
    _, shown = await app.ask("GET", "models/churn/known-good")
    cold, deployed_s = shown["versions"][1], rehearsed(app).deployed_s
    assert deployed_s is not None
    assert (cold["warm"], cold["estimate_s"]) == (False, pytest.approx(rehearsed(app).seconds + deployed_s))
