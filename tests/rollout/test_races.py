"""A rollout and what comes between: other rollouts, people, other hands, outages. Each race has one right end.

The traffic ends wholly new or as before, the locks are free, and the reason stands where people look. Rollbacks are in
`test_rollback_races.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from activities.rollout import looks, step_records
from shared import contracts as c
from shared.domain.failures import Transient
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.models import EntryState, ModelVersion
from shared.domain.rollout.orders import RolloutOrder, RolloutOrderKind
from shared.records.production import paths
from shared.records.production.rollouts import sign_order
from tests.promotion.conftest import OWNER
from tests.rollout.conftest import FIRST, POLICY, RolloutApp, alert, because, revoke, running
from tests.rollout.test_rollback_races import approve
from tests.rollout.test_upkeep import sweep

TRAFFIC = "change prod/onlineEndpoints/churn-online traffic"


@pytest.fixture
async def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """The app whose production stage asks the product owner."""
    async for app in running(POLICY, tmp_path, monkeypatch, ApprovalPolicy(roles=(OWNER,))):
        yield app


async def test_two_rollouts_of_one_endpoint_take_turns_and_the_second_plans_again(serving: RolloutApp) -> None:
    models = [await serving.entered(version) for version in ("2", "3")]
    promotions = [await serving.promote(str(model), "prod") for model in models]
    results = [await serving.finish(promotion) for promotion in promotions]
    (winner,) = (model for model, result in zip(models, results, strict=True) if result.fate is c.Fate.PROMOTED)
    (other,) = (result for result in results if result.fate is not c.Fate.PROMOTED)
    (loser,) = (model for model in models if model != winner)
    assert (other.fate, "plan again" in because(other)) == (c.Fate.FAILED, True), other
    assert serving.traffic == {serving.deployment(winner): 100}
    assert serving.served_shares(str(loser)) == []
    assert f"prod/models/{loser}" not in serving.cloud.state["assets"]
    assert serving.locked() == []


async def test_an_abort_while_people_are_asked_ends_it_before_any_traffic(asking: RolloutApp) -> None:
    model = await asking.entered("1")
    promotion = await asking.promote(str(model), "prod")
    await asking.pass_time(minutes=10)
    answer = await asking.order(promotion, "abort")
    assert answer["recorded"]
    result = await asking.finish(promotion)
    assert (result.fate, because(result)) == (c.Fate.HELD, "prod: aborted by linus: complaints")
    assert (asking.traffic, asking.locked()) == ({}, [])


async def test_another_hand_while_people_are_asked_is_told_at_once_and_retires_nothing(asking: RolloutApp) -> None:
    """The promotion has the endpoint for days then, and changes no traffic of it."""
    first = await asking.promote(str(await asking.entered("1")), "prod")
    await approve(asking, first)
    assert (await asking.finish(first)).fate is c.Fate.PROMOTED
    promotion = await asking.promote(str(await asking.entered("2")), "prod")
    await asking.pass_time(minutes=10)
    await sweep(asking)
    assert "traffic changed by hand" not in asking.chain()
    asking.change_by_hand({"somebody's": 100})
    for _ in range(2):
        await sweep(asking)
    assert asking.chain().count("traffic changed by hand") == 1
    assert asking.served_shares("churn:1")[-1:] == [100]
    assert asking.locked() != []
    await approve(asking, promotion)
    result = await asking.finish(promotion)
    assert (result.fate, "plan again" in because(result)) == (c.Fate.FAILED, True), result
    assert asking.traffic == {"somebody's": 100}


async def test_an_abort_while_the_traffic_is_being_changed_puts_it_back(serving: RolloutApp) -> None:
    serving.endpoints.is_slow = True
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    await serving.until(lambda: serving.endpoints.is_changing)
    await serving.order(promotion, "abort")
    result = await serving.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert "aborted by linus: complaints" in because(result)
    assert serving.traffic == {serving.deployment(FIRST): 100}
    assert max(serving.served_shares("churn:2"), default=0) <= 5
    assert serving.locked() == []


async def test_an_abort_while_the_next_weight_cannot_be_set_keeps_it_from_being_set(serving: RolloutApp) -> None:
    """The receipt for 25 % is issued, and Azure does not answer for an hour."""
    promotion = await serving.shifting()
    serving.cloud.before = no_traffic_change
    await serving.until(lambda: serving.chain().count("rollout step ended") == 3, every_s=60)
    await serving.pass_time(minutes=1)
    await serving.order(promotion, "abort")
    await serving.pass_time(minutes=2)
    serving.cloud.before = lambda effect: None
    result = await serving.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert serving.served_shares("churn:2") == [5]
    assert serving.traffic == {serving.deployment(FIRST): 100}


async def test_an_abort_between_a_look_and_its_receipt_is_an_abort(
    serving: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look has let the step go on; the order comes before the receipt is issued."""
    promotion, end = await serving.shifting(), step_records.end_step

    def end_slowly(*arguments: Any) -> str:
        digest = end(*arguments)
        order_later(serving, promotion)
        return digest

    monkeypatch.setattr(looks, "end_step", end_slowly)
    result = await serving.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert "aborted by ada: too late to look" in because(result)
    assert serving.traffic == {serving.deployment(FIRST): 100}
    assert serving.served_shares("churn:2") == [5]


async def test_two_aborts_at_once_are_one(serving: RolloutApp) -> None:
    before, promotion = serving.traffic, await serving.shifting()
    answers = await asyncio.gather(
        *(serving.order(promotion, "abort", f"says {who}", who) for who in ("linus", "both"))
    )
    result = await serving.finish(promotion)
    assert sorted(answer["recorded"] for answer in answers) == [False, True]
    assert serving.chain().count("rollout abort ordered") == 1
    assert serving.traffic == before
    assert because(result).count("aborted by") == 1


@pytest.mark.parametrize("when", ["paused", "soaking"])
async def test_an_abort_in_a_pause_or_in_the_soak_brings_all_back(serving: RolloutApp, when: str) -> None:
    before = serving.traffic
    promotion = await serving.shifting()
    if when == "paused":
        await serving.order(promotion, "pause", "lunch")
        await serving.pass_time(hours=1)
    else:
        await serving.until(lambda: 100 in serving.served_shares("churn:2"), every_s=120)
        await serving.pass_time(minutes=10)
    await serving.order(promotion, "abort")
    result = await serving.finish(promotion)
    assert (result.fate, because(result)) == (c.Fate.HELD, "prod: aborted by linus: complaints")
    assert (serving.traffic, serving.locked()) == (before, [])


async def test_an_order_for_a_rollout_that_has_ended_is_refused_and_changes_nothing(serving: RolloutApp) -> None:
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    await serving.finish(promotion)
    before = serving.traffic
    status, answer = await serving.ask("POST", f"rollouts/{promotion}/abort", {"reason": "late"}, "linus")
    assert (status, serving.traffic) == (409, before), answer
    assert "has ended as promoted" in str(answer)


async def test_a_file_that_nobody_signed_keeps_nobody_from_aborting(serving: RolloutApp) -> None:
    before, promotion = serving.traffic, await serving.shifting()
    serving.hub.create("signalbox", f"{paths.rollout_orders(promotion, 'prod')}abort.dsse.json", b"{}")
    answer = await serving.order(promotion, "abort")
    assert answer["recorded"]
    result = await serving.finish(promotion)
    assert "aborted by linus" in because(result)
    assert serving.traffic == before


async def test_an_alert_that_fires_twice_aborts_once(serving: RolloutApp) -> None:
    before = serving.traffic
    promotion = await serving.shifting()
    (name,) = serving.traffic.keys() - before.keys()
    serving.alerts.fires = [alert("prod-errors", name), alert("prod-errors", name)]
    result = await serving.finish(promotion)
    assert because(result) == "prod: alerts fire on it: prod-errors"
    assert serving.traffic == before
    assert serving.chain().count("rollout step ended") - 2 == 1, (
        "the first version has two: its one weight, and the soak"
    )


async def test_an_alert_on_the_endpoint_from_before_the_rollout_is_not_about_the_new_version(
    serving: RolloutApp,
) -> None:
    """It is why the new version is released, perhaps."""
    since = serving.clients.clock.now()
    serving.alerts.fires = [alert("prod-errors", "", since)]
    await serving.pass_time(minutes=1)
    promotion = await serving.shifting()
    await serving.pass_time(minutes=10)
    assert len(serving.traffic) == 2
    serving.alerts.fires = [alert("prod-errors", "", serving.clients.clock.now())]
    assert because(await serving.finish(promotion)) == "prod: alerts fire on it: prod-errors"


async def test_a_foreign_change_between_two_steps_is_not_overwritten(serving: RolloutApp) -> None:
    """What still gets traffic by another hand keeps its model, its files and its deployment."""
    promotion = await serving.shifting()
    (name,) = serving.traffic.keys() - {serving.deployment(FIRST)}
    theirs = {serving.deployment(FIRST): 60, name: 40}

    serving.cloud.before = no_traffic_change
    await serving.until(lambda: serving.chain().count("rollout step ended") == 3, every_s=60)
    serving.change_by_hand(theirs)
    serving.cloud.before = lambda effect: None
    result = await serving.finish(promotion)
    assert result.fate is not c.Fate.PROMOTED, result
    assert "somebody else changed it" in because(result)
    assert serving.traffic == theirs
    assets = serving.cloud.state["assets"]
    assert "prod/models/churn:2" in assets, "a node that starts anew reads the model again"
    assert assets["prod/models/churn:2"].folder in {path.rpartition("/")[0] for path in serving.cloud.state["files"]}, (
        "and its files"
    )
    assert f"prod/onlineEndpoints/churn-online/{name}" in serving.cloud.state["deployments"]
    assert serving.locked() == []


async def test_quota_that_is_reached_half_way_leaves_everything_as_it_was(serving: RolloutApp) -> None:
    model = await serving.entered("2")
    before = serving.cloud.snapshot()
    serving.endpoints.failing.add("prod/onlineEndpoints/churn-online/v2")
    result = await serving.finish(await serving.promote(str(model), "prod"))
    assert result.fate is c.Fate.FAILED, result
    assert "ended as Failed" in because(result)
    assert serving.traffic == {serving.deployment(FIRST): 100}
    after = serving.cloud.snapshot()
    assert (after["deployments"], after["endpoints"]) == (before["deployments"], before["endpoints"])
    assert "prod/models/churn:2" not in after["assets"]
    assert serving.locked() == []


async def test_an_entry_that_is_revoked_while_it_rolls_out_goes_no_further(serving: RolloutApp) -> None:
    promotion = await serving.shifting()
    revoke(serving, ModelVersion(name="churn", version="2"))
    result = await serving.finish(promotion)
    assert "it is revoked" in because(result)
    assert serving.served_shares("churn:2") == [5]
    assert serving.traffic == {serving.deployment(FIRST): 100}
    assert serving.cloud.state["assets"]["central/models/churn:2"].tags["signalbox.state"] == EntryState.REVOKED.value


async def test_a_champion_whose_deployment_is_gone_gets_no_traffic_by_an_abort(serving: RolloutApp) -> None:
    """In the soak it has none, so that anybody can delete it. The new version serves on, and whole."""
    promotion = await serving.shifting()
    await serving.until(lambda: 100 in serving.served_shares("churn:2"), every_s=120)
    before = serving.traffic
    del serving.cloud.state["deployments"][f"prod/onlineEndpoints/churn-online/{serving.deployment(FIRST)}"]
    await serving.order(promotion, "abort")
    result = await serving.finish(promotion)
    assert "mend it by hand" in because(result)
    assert serving.traffic == before
    assert "prod/models/churn:2" in serving.cloud.state["assets"]
    assert serving.locked() == []


async def test_two_hosts_that_take_the_same_look_come_to_one_decision(
    serving: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, decisions = looks._take, []

    def taken_twice(*arguments: Any) -> c.LookTaken:
        first = take(*arguments)
        with monkeypatch.context() as later:  # It sees other counts, since it asks a moment later.
            later.setattr(looks, "units_of", lambda counts: (10_000, 10_000))
            second = take(*arguments)
        decisions.append((first, second))
        return second

    monkeypatch.setattr(looks, "_take", taken_twice)
    result = await serving.finish(await serving.promote(str(await serving.entered("2")), "prod"))
    assert result.fate is c.Fate.PROMOTED, result
    assert all(first == second for first, second in decisions)
    assert serving.chain().count("rollout step ended") == 2 + len(POLICY.steps) + 1


async def test_a_version_that_serves_is_not_released_beside_itself(serving: RolloutApp) -> None:
    status, answer = await serving.ask(
        "POST", "promotions", {"model": str(FIRST), "to": "prod", "reason": "again"}, "linus"
    )
    if status == 202:
        result = await serving.finish(answer["id"])
        assert result.fate is c.Fate.REFUSED, result
        assert "serves" in because(result)
    assert serving.traffic == {serving.deployment(FIRST): 100}


async def test_a_first_version_whose_rollout_is_aborted_leaves_nothing(app: RolloutApp) -> None:
    promotion = await app.promote(str(await app.entered("1")), "prod")
    await app.until(lambda: bool(app.traffic))
    await app.order(promotion, "abort")
    result = await app.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert (app.traffic, app.cloud.state["deployments"], app.locked()) == ({}, {}, [])


def no_traffic_change(effect: str) -> None:
    if effect == TRAFFIC:
        raise Transient("Azure does not answer")


def order_later(app: RolloutApp, promotion: str) -> None:
    """Ada aborts; only the record of her order is written, as by a door that died after it."""
    now = app.clients.clock.now()
    order = RolloutOrder(kind=RolloutOrderKind.ABORT, step=0, oid="1", name="ada", reason="too late to look", at=now)
    sign_order(app.clients.statements, promotion, "prod", "abort", order)
