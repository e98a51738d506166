"""A rollback and what comes between: a rollout at any of its points, another rollback, and fleets that are gone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.rollout import rollbacks
from shared import contracts as c
from shared.application.promotion.planning import golden_requests
from shared.domain.failures import Transient
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.models import ModelVersion
from shared.domain.rollout.serving import ChangeKind, TrafficChange
from shared.records.production.serving import VersionHold, hold_of, sign_change, sign_hold
from tests.promotion.conftest import OWNER
from tests.rollout.conftest import POLICY, RolloutApp, because, revoke, running

TWO = ModelVersion(name="churn", version="2")


@pytest.fixture
async def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """The app whose production stage asks the product owner."""
    async for app in running(POLICY, tmp_path, monkeypatch, ApprovalPolicy(roles=(OWNER,))):
        yield app


def on(app: RolloutApp, version: str) -> dict[str, int]:
    return {app.deployment(ModelVersion(name="churn", version=version)): 100}


async def test_a_rollback_while_a_newer_one_waits_for_people_leaves_what_serves(asking: RolloutApp) -> None:
    """What waits has never replaced: it is not what is left, and what serves is not gone back to."""
    for version in ("1", "2"):
        model = await asking.entered(version)
        promotion = await asking.promote(str(model), "prod")
        await approve(asking, promotion)
        assert (await asking.finish(promotion)).fate is c.Fate.PROMOTED
        await asking.pass_time(hours=1)
    waiting = await asking.promote(str(await asking.entered("3")), "prod")
    await asking.pass_time(minutes=10)
    result = await asking.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert asking.traffic == on(asking, "1")
    assert hold_of(asking.clients.statements, TWO) is not None
    assert hold_of(asking.clients.statements, ModelVersion(name="churn", version="3")) is None
    ended = await asking.finish(waiting)
    assert (ended.fate, because(ended)) == (c.Fate.HELD, "prod: aborted by linus: rollback: complaints")
    assert asking.locked() == []


async def approve(app: RolloutApp, promotion: str) -> None:
    """The product owner approves the release, once the evidence is there."""
    for _ in range(60):
        await app.pass_time(seconds=10)
        _, shown = await app.ask("GET", f"promotions/{promotion}")
        for row in shown["evidence"]:
            if row["stage"] == "prod":
                body = {"role": "product-owner", "evidence": row["digest"], "reason": "seen"}
                status, answer = await app.ask("POST", f"promotions/{promotion}/approve", body, "grace")
                assert status == 200, answer
                return
    raise TimeoutError(f"{promotion} asks nobody")


async def test_a_rollback_while_the_first_weight_is_being_set_leaves_the_new_version(serving: RolloutApp) -> None:
    await serving.pass_time(hours=1)
    serving.endpoints.is_slow = True
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    await serving.until(lambda: serving.endpoints.is_changing)
    result = await serving.roll_back()
    ended = await serving.finish(promotion)
    assert (result.done, result.to) == (True, "churn:1"), result
    assert ended.fate is c.Fate.HELD, ended
    assert serving.traffic == on(serving, "1")
    assert hold_of(serving.clients.statements, TWO) is not None
    assert serving.locked() == []


async def test_a_rollout_that_hangs_does_not_shift_again_after_a_rollback(serving: RolloutApp) -> None:
    """Its next weight could not be set for an hour; the rollback came meanwhile, and brought back the champion."""
    await serving.pass_time(hours=1)
    promotion = await serving.shifting()
    serving.cloud.before = refuse_connections
    await serving.until(lambda: serving.chain().count("rollout step ended") == 3, every_s=60)
    await serving.pass_time(minutes=1)
    rollback = await serving.order_rollback()
    await serving.pass_time(minutes=3)
    serving.cloud.before = lambda effect: None
    result, ended = await serving.rolled_back(rollback), await serving.finish(promotion)
    assert ended.fate is c.Fate.HELD, ended
    assert serving.served_shares("churn:2") == [5]
    assert (result.done, serving.traffic) == (True, on(serving, "1"))


def refuse_connections(effect: str) -> None:
    raise Transient("Azure does not answer")


async def test_two_rollbacks_at_once_go_back_by_one_version(replaced: RolloutApp) -> None:
    """Two people see the same incident. The second order must not go back behind the first."""
    await replaced.pass_time(hours=1)
    await replaced.released("3")
    orders = await asyncio.gather(replaced.order_rollback("says ada"), replaced.order_rollback("says linus"))
    results = [await replaced.rolled_back(rollback) for rollback in orders]
    assert sorted(result.done for result in results) == [False, True], results
    (second,) = (result for result in results if not result.done)
    assert "brings churn-online back already" in second.because
    assert replaced.traffic == on(replaced, "2")
    assert hold_of(replaced.clients.statements, TWO) is None
    assert (await replaced.roll_back("again")).to == "churn:1", "once it has ended, another one may begin"


async def test_a_rollback_that_dies_in_its_opening_decides_no_second_time(
    replaced: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is held, the host dies before it is recorded: what is held then is not decided anew."""
    crashes = [True]

    def sign_and_die(*arguments: object) -> bool:
        sign_hold(*arguments)  # type: ignore[arg-type]
        if crashes:
            crashes.clear()
            replaced.change_by_hand(on(replaced, "1"))  # Meanwhile the first attempt's order has had its effect.
            raise Transient("the host dies")
        return False

    monkeypatch.setattr(rollbacks, "sign_hold", sign_and_die)
    result = await replaced.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert hold_of(replaced.clients.statements, ModelVersion(name="churn", version="1")) is None
    assert replaced.chain().count("rollback ordered") == 1


async def test_a_warm_fleet_that_is_gone_when_it_is_tried_gets_no_traffic(
    replaced: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, name = replaced.traffic, replaced.deployment(ModelVersion(name="churn", version="1"))
    keys = [f"prod/onlineEndpoints/churn-online/{name}"]

    def gone_meanwhile(*arguments: object) -> object:
        while keys:
            del replaced.cloud.state["deployments"][keys.pop()]
        return golden_requests(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rollbacks, "golden_requests", gone_meanwhile)
    result = await replaced.roll_back()
    assert not result.done
    assert name in result.because
    assert replaced.traffic == before
    again = await replaced.roll_back()
    assert (again.done, again.to) == (True, "churn:1"), "the next order finds it cold, and recovers it"
    assert replaced.traffic == on(replaced, "1")


async def test_quota_that_is_reached_in_a_cold_rollback_leaves_nothing_in_the_way(replaced: RolloutApp) -> None:
    before, name = replaced.traffic, replaced.deployment(ModelVersion(name="churn", version="1"))
    key = f"prod/onlineEndpoints/churn-online/{name}"
    del replaced.cloud.state["deployments"][key]
    replaced.endpoints.failing.add(key)
    result = await replaced.roll_back()
    assert not result.done
    assert "ended as Failed" in result.because
    assert (replaced.traffic, key in replaced.cloud.state["deployments"]) == (before, False)
    replaced.endpoints.failing.clear()
    assert (await replaced.roll_back()).to == "churn:1", "the quota was raised"
    assert replaced.traffic == {name: 100}


async def test_a_revoked_version_is_gone_back_to_by_nobody(replaced: RolloutApp) -> None:
    before = replaced.traffic
    revoke(replaced, ModelVersion(name="churn", version="1"))
    orders: tuple[dict[str, Any], ...] = ({}, {"to": "1", "override": True})
    for order in orders:
        result = await replaced.roll_back(**order)
        assert not result.done
        assert "its entry is revoked" in result.because
        assert replaced.traffic == before


async def test_what_somebody_deployed_by_hand_hides_no_version_that_is_good(serving: RolloutApp) -> None:
    await serving.pass_time(hours=1)
    by_hand = {"blue": 100}
    serving.cloud.state["deployments"]["prod/onlineEndpoints/churn-online/blue"] = "azureml:something"
    serving.change_by_hand(by_hand)
    change = TrafficChange(
        kind=ChangeKind.FOREIGN,
        environment="prod",
        endpoint="churn-online",
        at=serving.clients.clock.now(),
        traffic=by_hand,
        versions={"blue": "azureml:something"},
    )
    sign_change(serving.clients.statements, "by hand", change)
    result = await serving.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert serving.traffic == on(serving, "1")


async def test_a_release_counts_though_the_clock_of_the_host_that_held_was_ahead(app: RolloutApp) -> None:
    model, ahead = ModelVersion(name="churn", version="9"), app.clients.clock.now().replace(year=2099)
    hold = VersionHold(model=model, released=False, by="ada", reason="wrong", at=ahead, cause="rollback-1")
    sign_hold(app.clients.statements, hold)
    body = {"version": "9", "reason": "mended"}
    assert (await app.ask("POST", "models/churn/release", body, "linus"))[1]["released"] is True
    assert hold_of(app.clients.statements, model) is None
    assert (await app.ask("POST", "models/churn/release", body, "linus"))[1]["released"] is False
    sign_hold(app.clients.statements, replace(hold, cause="rollback-2", at=ahead.replace(year=2100)))
    assert hold_of(app.clients.statements, model) is not None, "a later rollback holds it again"
