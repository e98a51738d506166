"""Promotions that share a model or an endpoint take turns: none is refused, and none is lost, because another waits."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from activities.promotion.promotions import lock_endpoint, unlock_endpoint
from shared import contracts as c
from shared.application.promotion.planning import plan_promotion
from shared.domain.promotion.ladder import Newer
from shared.domain.promotion.models import FLAG, ModelVersion
from shared.domain.promotion.plans import StagePlan
from tests.promotion.conftest import CONFIGURATION, PromotionApp, running
from tests.promotion.test_flags import registered, tell

DAY = timedelta(days=1)


async def waiting(app: PromotionApp, version: str, error: float) -> str:
    """The promotion of a version that waits for people at the central registry."""
    app.register(version, error=error)
    promotion = await app.promote(f"churn:{version}")
    await app.evidence(promotion)
    return promotion


async def test_a_later_version_waits_for_its_turn_and_then_arrives(app: PromotionApp) -> None:
    first = await waiting(app, "1", 2.0)
    app.register("2", error=0.2)
    second = await app.promote("churn:2")
    await app.pass_time(timedelta(hours=5))
    _, said = await app.ask("GET", f"promotions/{second}/explain")

    await app.approve(first)
    assert (await app.finish(first)).fate is c.Fate.PROMOTED
    await app.approve(second)

    assert f"model/churn is held by promotion {first}; it can be met by those whom `explain" in said["unmet"][0]
    assert (await app.finish(second)).fate is c.Fate.PROMOTED
    assert not list(app.hub.list("signalbox", "lock"))


async def test_what_waits_outlives_a_promotion_whose_approvals_expire(app: PromotionApp) -> None:
    """Nobody approves the first for a week; the better one behind it is not lost."""
    first = await waiting(app, "1", 2.0)
    app.register("2", error=0.2, **{FLAG: "churn:2 -> preprod"})
    await tell(app, registered(2))

    assert (await app.finish(first)).fate is c.Fate.EXPIRED
    await app.pass_time(2 * DAY)

    (second,) = [name for name in ids(app) if name != first]
    assert app.record(second)["fate"] == "promoted"


async def test_the_queue_is_served_in_the_order_of_arrival(app: PromotionApp) -> None:
    first = await waiting(app, "1", 4.0)
    later = []
    for version, error in (("2", 1.0), ("3", 0.2)):
        app.register(version, error=error)
        later.append(await app.promote(f"churn:{version}", to="preprod"))
        await app.pass_time(timedelta(minutes=1))
    _, said = await app.ask("GET", f"promotions/{later[1]}/explain")

    await app.approve(first)
    for promotion in (first, *later):
        await app.finish(promotion)

    closed = [app.record(promotion)["closed"] for promotion in (first, *later)]
    assert closed == sorted(closed)
    assert said["unmet"][1] == f"model/churn: 1 promotion waits before it: {later[0]}"


async def test_one_that_is_ended_from_outside_leaves_the_queue(app: PromotionApp) -> None:
    first = await waiting(app, "1", 4.0)
    app.register("2", error=1.0)
    app.register("3", error=0.2)
    second = await app.promote("churn:2", to="preprod")
    await app.pass_time(timedelta(minutes=1))
    third = await app.promote("churn:3", to="preprod")
    await app.pass_time(timedelta(minutes=1))

    await app.host.terminate(second, "not wanted any more")
    await app.approve(first)
    await app.finish(first)

    assert (await app.finish(third)).fate is c.Fate.PROMOTED
    assert app.record(second)["fate"] == "failed"
    assert not list(app.hub.list("signalbox", "lock"))


async def test_a_lock_is_taken_once_by_whoever_is_first(app: PromotionApp) -> None:
    """Each step may be repeated after a kill: a place, a lock and its return have one effect."""
    names = [await app.promote(f"churn:{n}", to="preprod") for n in "12" if app.register(n, error=float(n))]
    one, two = (c.EndpointLock(key="k", endpoint="elsewhere", owner=name, model="churn") for name in names)
    app.hub.delete("signalbox", "locks/elsewhere.json")
    await app.host.settle()
    opened = {name: app.record(name) for name in names}
    for name, record in opened.items():  # Both are under way.
        under_way = {field: value for field, value in record.items() if field != "fate"}
        app.hub.land(f"signalbox/promotions/{name}/promotion.json", json.dumps(under_way).encode())

    assert lock_endpoint(app.clients, one).held
    assert lock_endpoint(app.clients, one).held
    first, again = lock_endpoint(app.clients, two), lock_endpoint(app.clients, two)
    assert (first.held, first.by, again.held) == (False, one.owner, False)
    assert len(list(app.hub.list("signalbox", "lock-queues/elsewhere/"))) == 1
    unlock_endpoint(app.clients, one)
    unlock_endpoint(app.clients, one)
    assert not lock_endpoint(app.clients, one).held  # Who has given it back comes after those who wait.
    assert lock_endpoint(app.clients, two).held


async def test_what_asks_nobody_does_not_wait_for_the_people_of_another_version(app: PromotionApp) -> None:
    """A candidate's entry and a training hold no model; a training's data would change while it waits."""
    app.register("1", error=1.0)
    app.experiment("2")
    climbing = plan_promotion(app.clients, ModelVersion(name="churn", version="1"), "dev", "central")
    training = plan_promotion(app.clients, ModelVersion(name="churn", version="2"), "experiment", "dev")
    central = next(stage for stage in CONFIGURATION.ladder.stages if stage.name == "central")
    entering = replace(climbing, stages=(StagePlan(stage=replace(central, candidate=True)),))

    assert climbing.locks() == ["model/churn", "preprod/batch", "preprod/online", "versions/churn/1"]
    assert entering.locks() == ["versions/churn/1"]
    assert training.locks() == ["dev/online", "versions/churn/2"]


async def test_a_version_is_trained_while_another_waits_for_people(app: PromotionApp) -> None:
    await waiting(app, "1", 2.0)
    app.experiment("2")

    assert (await app.finish(await app.promote("churn:2", to="dev"))).fate is c.Fate.PROMOTED


class TestReplacing:
    """`newer: replace` on the stage of the registry."""

    @pytest.fixture
    async def app(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
        *others, central = CONFIGURATION.ladder.stages
        ladder = replace(CONFIGURATION.ladder, stages=(*others, replace(central, newer=Newer.REPLACE)))
        async with running(replace(CONFIGURATION, ladder=ladder), tmp_path, monkeypatch) as made:
            yield made

    async def test_a_later_version_replaces_one_that_waits_for_people(self, app: PromotionApp) -> None:
        first = await waiting(app, "9", 2.0)
        app.register("10", error=0.2)
        second = await app.promote("churn:10")

        held = await app.finish(first)
        await app.approve(second)

        assert (held.fate, f"superseded by {second} (churn:10)" in held.because[0]) == (c.Fate.HELD, True)
        assert (await app.finish(second)).fate is c.Fate.PROMOTED
        announced = app.clients.announcer.kinds  # type: ignore[attr-defined]
        assert announced.count("Signalbox.Promotion.Superseded") == 1
        assert app.chain().count("superseded") == 1

    async def test_an_earlier_version_replaces_nothing(self, app: PromotionApp) -> None:
        first = await waiting(app, "10", 2.0)
        app.register("9", error=0.2)
        second = await app.promote("churn:9")
        await app.pass_time(timedelta(hours=2))

        await app.approve(first)

        assert (await app.finish(first)).fate is c.Fate.PROMOTED
        await app.approve(second)
        assert (await app.finish(second)).fate is c.Fate.PROMOTED


def ids(app: PromotionApp) -> list[str]:
    blobs = app.hub.list("signalbox", "promotions/")
    return sorted({blob.path.split("/")[1] for blob in blobs})
