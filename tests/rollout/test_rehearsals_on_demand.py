"""A rehearsal that somebody orders: the way back is tried and timed, and everything is as before."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import contracts as c
from shared.codec import decode
from shared.domain.failures import Refused
from shared.domain.rollout.rehearsals import Rehearsal, newest_rehearsal
from shared.records.production.rehearsals import rehearsals_of
from tests.rollout.conftest import SECOND, RolloutApp, because, enter_first, enter_second, running_with
from tests.rollout.test_rehearsals import PREPROD_TRAFFIC, configuration, preprod_traffic
from tests.rollout.test_saga import NthFault
from tests.rollout.test_upkeep import sweep

pytestmark = pytest.mark.xdist_group("rollout rehearsals on demand")  # One process plays what they begin with.

PREPROD_ENDPOINT, PROD_ENDPOINT = "preprod/onlineEndpoints/online", "prod/onlineEndpoints/churn-online"


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
async def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Version 2 went the same way after it."""
    async for made in running_with(configuration(), tmp_path, monkeypatch, (enter_first, enter_second)):
        yield made


async def order(app: RolloutApp, **more: object) -> str:
    status, answer = await app.ask("POST", "models/churn/rehearse", {"reason": "audit", **more}, "linus")
    assert status == 202, answer
    return str(answer["id"])


async def rehearse(app: RolloutApp, **more: object) -> c.RehearsalResult:
    """How an ordered rehearsal has ended."""
    outcome = await app.host.advance_until_finished(await order(app, **more), timeout=60)
    assert outcome.status == "Completed", outcome
    assert not list(app.clients.store.blobs("rehearsals-open/"))
    assert not app.locked()
    return decode(c.RehearsalResult, outcome.output)


def newest(app: RolloutApp) -> Rehearsal:
    rehearsal = newest_rehearsal(rehearsals_of(app.clients.statements, "churn"))
    assert rehearsal is not None
    return rehearsal


async def test_a_rehearsal_that_is_too_old_is_repeated_without_another_promotion(both: RolloutApp) -> None:
    await both.pass_time(hours=5)

    outcome = await rehearse(both)

    assert (outcome.restored, outcome.because) == (True, "churn:1 answered as before")
    rehearsal = newest(both)
    assert (rehearsal.left, rehearsal.restored_to, rehearsal.seconds) == ("churn:2", "churn:1", outcome.seconds)
    assert preprod_traffic(both) == [("churn:2", 100)]
    assert both.chain()[-2:] == ["rehearsal ordered", "rollback rehearsed"]
    result = await both.finish(await both.promote(str(SECOND), "prod"))
    assert result.fate is c.Fate.PROMOTED, because(result)


async def test_a_version_before_that_answers_otherwise_is_evidence_against_it(both: RolloutApp) -> None:
    both.cloud.predict["churn:1"] = lambda row: -1.0

    outcome = await rehearse(both)

    assert (outcome.restored, outcome.because) == (False, "1 of 1 golden requests of churn:1 deviate")
    assert preprod_traffic(both) == [("churn:2", 100)]
    result = await both.finish(await both.promote(str(SECOND), "prod"))
    assert (result.fate, "did not answer as before" in because(result)) == (c.Fate.HELD, True)


async def test_nothing_is_switched_where_nothing_can_be_rehearsed(app: RolloutApp) -> None:
    assert "no version of churn serves online" in (await rehearse(app)).because
    await app.entered("1")
    assert (await rehearse(app)).because == "nothing served before"
    await app.entered("2")
    served = app.cloud.state["endpoints"][PREPROD_ENDPOINT]["traffic"]
    for name in set(app.cloud.state["deployments"]) - {f"{PREPROD_ENDPOINT}/{deployment}" for deployment in served}:
        if name.startswith(f"{PREPROD_ENDPOINT}/"):
            del app.cloud.state["deployments"][name]
    assert "is deployed any more" in (await rehearse(app)).because
    assert preprod_traffic(app) == [("churn:2", 100)]


@pytest.mark.parametrize("nth", [0, 1], ids=["on the way there", "on the way back"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_failure_leaves_the_traffic_as_it_was(both: RolloutApp, nth: int, when: str) -> None:
    fault = NthFault(PREPROD_TRAFFIC, nth, Refused)
    setattr(both.cloud, when, fault)

    rehearsal = await order(both)
    await both.host.advance_until_finished(rehearsal, timeout=60)
    await sweep(both)

    assert fault.fired
    assert preprod_traffic(both) == [("churn:2", 100)]
    assert not both.locked()


async def test_an_endpoint_at_which_a_promotion_is_at_work_is_not_rehearsed(both: RolloutApp) -> None:
    both.endpoints.is_slow = True
    both.register("3", 1.0)
    promotion = await both.promote("churn:3", "preprod")
    await both.until(lambda: bool(both.locked()), every_s=1)

    outcome = await both.host.advance_until_finished(await order(both), timeout=60)

    assert promotion in decode(c.RehearsalResult, outcome.output).because
    assert (await both.finish(promotion)).fate is c.Fate.PROMOTED


async def test_a_cold_one_is_recovered_beside_what_serves_and_removed_again(app: RolloutApp) -> None:
    first = await app.released("1")
    await app.pass_time(hours=1)
    await app.released("2")
    traffic, deployments = app.traffic, set(app.cloud.state["deployments"])
    app.endpoints.is_slow = True

    outcome = await rehearse(app, cold=True)

    assert (outcome.restored, outcome.because) == (True, "churn:1 answered as before")
    rehearsal = newest(app)
    assert (rehearsal.left, rehearsal.restored_to) == ("", str(first))
    assert rehearsal.deployed_s == outcome.deployed_s
    assert (app.traffic, set(app.cloud.state["deployments"])) == (traffic, deployments)
    del app.cloud.state["deployments"][f"{PROD_ENDPOINT}/{app.deployment(first)}"]
    _, shown = await app.ask("GET", "models/churn/known-good")
    (switched,) = (
        each.seconds for each in rehearsals_of(app.clients.statements, "churn") if each.restored_to and each.left
    )
    assert shown["versions"][1]["estimate_s"] == pytest.approx(rehearsal.deployed_s + switched)


async def test_a_cold_rehearsal_is_no_evidence_that_a_version_can_be_left(entered: RolloutApp) -> None:
    assert (await rehearse(entered, cold=True, version="1")).because == "endpoint churn-online is not in prod"
    await entered.released("2")
    await entered.pass_time(hours=5)

    assert (await rehearse(entered, cold=True, version="1")).restored
    result = await entered.finish(await entered.promote("churn:1", "prod"))

    assert "rehearsed 0.2 days ago" in because(result)


async def test_what_was_ended_from_outside_is_put_back_by_the_sweep(both: RolloutApp) -> None:
    both.endpoints.is_slow = True
    rehearsal = await order(both)
    await both.until(lambda: preprod_traffic(both) == [("churn:1", 100)], every_s=1)
    await both.host.terminate(rehearsal, "by hand")

    for _ in range(3):
        await sweep(both)
        await both.pass_time(seconds=30)

    assert preprod_traffic(both) == [("churn:2", 100)]
    assert not both.locked()


async def test_a_warm_rehearsal_names_no_version_and_no_stage_that_does_not_rehearse(app: RolloutApp) -> None:
    assert (await app.ask("POST", "models/churn/rehearse", {"reason": "x", "version": "1"}, "linus"))[0] == 422
    status, answer = await app.ask("POST", "models/churn/rehearse", {"reason": "x", "stage": "prod"}, "linus")
    assert (status, "name one stage that rehearses: preprod" in answer["detail"]) == (422, True), answer
