"""What a release costs: the second fleet by configured prices, in the plan and at the gate; and its tags."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import contracts as c
from shared.codec import encode
from shared.domain.gates import GateSpec
from shared.domain.gates.evidence import Evidence
from shared.domain.rollout.estimates.costs import FleetUse, second_fleet, spent
from shared.domain.rollout.policy import InstancePrice, RolloutPolicy, Soak, StepLimits, TrafficStep
from shared.ports import QuotaSeen
from tests.fakes.rollout import MemoryAlerts, MemoryQuotas, MemoryTraffic
from tests.promotion import conftest as promotions
from tests.rollout.conftest import POLICY, RolloutApp, because, configuration_with

SKU = "Standard_DS3_v2"
PRICED = replace(POLICY, prices=(InstancePrice(sku=SKU, per_hour=0.5), InstancePrice(sku="other", per_hour=9.0)))


async def priced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, amount: float, **more: object
) -> AsyncIterator[RolloutApp]:
    """The app whose production stage has the gate `budget` with *amount*."""
    configuration = configuration_with(PRICED)
    gate = (GateSpec(gate="budget", options={"amount": amount, **more}),)
    stages = tuple(
        replace(stage, entry_gates=gate) if stage.rollout else stage for stage in configuration.ladder.stages
    )
    configuration = replace(configuration, ladder=replace(configuration.ladder, stages=stages))
    async with promotions.running(configuration, folder, monkeypatch, alerts=MemoryAlerts()) as made:
        traffic = MemoryTraffic(made.endpoints, made.clients.clock.now)
        vars(made.clients).update(memory_traffic=traffic, traffic_figures=lambda source: traffic)
        yield RolloutApp(host=made.host, clients=made.clients, cloud=made.cloud)


@pytest.fixture
async def poor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    async for app in priced(tmp_path, monkeypatch, 7.11):
        yield app


def test_two_fleets_stand_for_the_steps_the_soak_and_as_long_as_the_one_before_is_kept_warm():
    policy = RolloutPolicy(
        steps=(TrafficStep(weight=10), TrafficStep(weight=50), TrafficStep(weight=100)),
        each=StepLimits(at_least_s=1800, at_most_s=7200),
        soak=Soak(for_s=3600),
        keep_warm_s=7200,
        prices=(InstancePrice(sku=SKU, per_hour=0.5),),
    )
    cost = second_fleet(policy, SKU, 4, has_champion=True)

    assert cost is not None
    assert (cost.least_hours, cost.most_hours) == (4.0, 7.0)
    assert (cost.least, cost.most) == (8.0, 14.0)
    assert str(cost) == f"4 more instances of {SKU} for 4 to 7 hours: 8.00 to 14.00 at 0.5 an instance-hour"


def test_a_first_version_has_no_second_fleet_and_a_sku_without_a_price_no_estimate():
    first = second_fleet(PRICED, SKU, 4, has_champion=False)

    assert first is not None
    assert first.most == 0
    assert second_fleet(PRICED, "Standard_F4s", 4, has_champion=True) is None


async def test_the_plan_shows_the_cost_and_the_gate_holds_what_is_beyond_the_budget(poor: RolloutApp) -> None:
    """Three steps of up to four hours, a quarter of an hour of soak, two warm, of one instance at a half."""
    await poor.released("1")
    await poor.entered("2")
    _, plan = await poor.ask("POST", "plans", {"model": "churn:2", "to": "prod"})
    assert plan["costs"] == [
        f"prod: 1 more instance of {SKU} for 3 to 14.25 hours: 1.50 to 7.12 at 0.5 an instance-hour"
    ]

    result = await poor.finish(await poor.promote("churn:2", "prod"))

    assert result.fate is c.Fate.HELD
    assert "7.11 is allowed" in because(result)


async def test_without_a_price_the_plan_says_so(app: RolloutApp) -> None:
    await app.entered("1")
    _, plan = await app.ask("POST", "plans", {"model": "churn:1", "to": "prod"})
    assert plan["costs"] == [f"prod: no price of {SKU} is configured (rollout.prices)"]


async def test_the_plan_says_whether_the_quota_has_room_for_a_second_fleet(serving: RolloutApp) -> None:
    await serving.entered("2")
    quota = QuotaSeen(family="DSv2", cores=4, used=96, limit=100)
    for free, end in ((4, ": ask for more before you promote"), (8, "")):
        vars(serving.clients).update(monitoring_set_up=MemoryQuotas(replace(quota, used=100 - free)))
        _, plan = await serving.ask("POST", "plans", {"model": "churn:2", "to": "prod"})
        assert plan["quota"] == [f"prod: {free} of 100 cores of DSv2 are free, and a second fleet needs 8{end}"]


async def test_what_is_deployed_is_tagged_with_its_version_and_its_promotion(app: RolloutApp, monkeypatch) -> None:
    wanted, deploy = [], app.endpoints.deploy
    monkeypatch.setattr(
        app.endpoints, "deploy", lambda place, deployment: (wanted.append(deployment), deploy(place, deployment))
    )
    await app.released("1")

    assert [dict(deployment.tags)["signalbox.model"] for deployment in wanted] == ["churn:1"]
    assert dict(wanted[0].tags)["signalbox.promotion"].startswith("promotion-churn")


def test_two_fleets_have_cost_what_they_stood_until_one_of_them_went():
    since = datetime(2026, 11, 29, 12, tzinfo=UTC)
    use = FleetUse(
        sku=SKU,
        instances=3,
        instances_before=3,
        since=since,
        until=since + timedelta(hours=10),
        now=since + timedelta(days=9),
        per_hour=0.5,
    )

    assert (use.second, use.both) == (15.0, 30.0)
    assert str(use) == f"3 instances beside 3 of {SKU} for 10 hours: 15.00 for the second fleet, 30.00 for both"
    assert str(replace(use, until=None)).startswith(f"3 instances beside 3 of {SKU} for 216 hours so far: 324.00")
    assert "no price of" in str(replace(use, per_hour=None))
    assert replace(use, instances_before=0).second == 0, "a first version is the fleet that serves anyway"
    assert spent([use, use], since) == 30.0
    assert spent([use], since + timedelta(hours=8)) == 3.0
    assert spent([use], since + timedelta(days=1)) == 0.0


async def test_what_a_release_has_cost_stands_beside_its_estimate_and_counts_in_the_next_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async for app in priced(tmp_path, monkeypatch, 8.0, days=30):
        await app.released("1")
        await app.pass_time(hours=1)
        promotion = await app.shifting("2")
        _, shown = await app.ask("GET", f"rollouts/{promotion}")
        assert shown["cost"][0] == (
            f"estimate: 1 more instance of {SKU} for 3 to 14.25 hours: 1.50 to 7.12 at 0.5 an instance-hour"
        )
        assert f"1 instances beside 1 of {SKU} for " in shown["cost"][1]
        assert " hours so far: " in shown["cost"][1]
        await app.order(promotion, "abort")
        await app.finish(promotion)
        _, final = await app.ask("GET", f"promotions/{promotion}")
        assert "so far" not in final["cost"][1]
        await app.pass_time(hours=3)
        assert (await app.ask("GET", f"promotions/{promotion}"))[1]["cost"] == final["cost"]

        kept = await app.promote(str(await app.entered("3")), "prod")
        await app.finish(kept)
        await app.pass_time(days=1)  # The version before is kept warm for two hours, and its fleet counts so long.
        _, shown = await app.ask("GET", f"promotions/{kept}")
        assert "so far" not in shown["cost"][1]
        hours = float(shown["cost"][1].partition(" for ")[2].partition(" hours")[0])
        assert 2 < hours < 20
        result = await app.finish(await app.promote(str(await app.entered("4")), "prod"))
        assert result.fate is c.Fate.HELD, result
        assert "earlier releases have cost" in because(result)


def test_prices_and_costs_leave_no_trace_in_what_earlier_releases_signed():
    assert "prices" not in encode(POLICY)
    assert "cost" not in encode(Evidence())
