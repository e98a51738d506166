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
from tests.promotion.conftest import CONFIGURATION, Railway, running
from tests.promotion.test_flags import registered, tell

DAY = timedelta(days=1)


async def waiting(railway: Railway, version: str, error: float) -> str:
    """The promotion of a version that waits for people at the central registry."""
    railway.register(version, error=error)
    promotion = await railway.promote(f"churn:{version}")
    await railway.evidence(promotion)
    return promotion


async def test_a_later_version_waits_for_its_turn_and_then_arrives(railway: Railway) -> None:
    first = await waiting(railway, "1", 2.0)
    railway.register("2", error=0.2)
    second = await railway.promote("churn:2")
    await railway.pass_time(timedelta(hours=5))
    _, said = await railway.ask("GET", f"promotions/{second}/explain")

    await railway.approve(first)
    assert (await railway.finish(first)).fate is c.Fate.PROMOTED
    await railway.approve(second)

    assert f"model/churn is held by promotion {first}; it can be met by those whom `explain" in said["unmet"][0]
    assert (await railway.finish(second)).fate is c.Fate.PROMOTED
    assert not list(railway.hub.list("signalbox", "lock"))


async def test_what_waits_outlives_a_promotion_whose_approvals_expire(railway: Railway) -> None:
    """Nobody approves the first for a week; the better one behind it is not lost."""
    first = await waiting(railway, "1", 2.0)
    railway.register("2", error=0.2, **{FLAG: "churn:2 -> preprod"})
    await tell(railway, registered(2))

    assert (await railway.finish(first)).fate is c.Fate.EXPIRED
    await railway.pass_time(2 * DAY)

    (second,) = [name for name in ids(railway) if name != first]
    assert railway.record(second)["fate"] == "promoted"


async def test_the_queue_is_served_in_the_order_of_arrival(railway: Railway) -> None:
    first = await waiting(railway, "1", 4.0)
    later = []
    for version, error in (("2", 1.0), ("3", 0.2)):
        railway.register(version, error=error)
        later.append(await railway.promote(f"churn:{version}", to="preprod"))
        await railway.pass_time(timedelta(minutes=1))
    _, said = await railway.ask("GET", f"promotions/{later[1]}/explain")

    await railway.approve(first)
    for promotion in (first, *later):
        await railway.finish(promotion)

    closed = [railway.record(promotion)["closed"] for promotion in (first, *later)]
    assert closed == sorted(closed)
    assert said["unmet"][1] == f"model/churn: 1 promotions wait before it: {later[0]}"


async def test_one_that_is_ended_from_outside_leaves_the_queue(railway: Railway) -> None:
    first = await waiting(railway, "1", 4.0)
    railway.register("2", error=1.0)
    railway.register("3", error=0.2)
    second = await railway.promote("churn:2", to="preprod")
    await railway.pass_time(timedelta(minutes=1))
    third = await railway.promote("churn:3", to="preprod")
    await railway.pass_time(timedelta(minutes=1))

    await railway.host.terminate(second, "not wanted any more")
    await railway.approve(first)
    await railway.finish(first)

    assert (await railway.finish(third)).fate is c.Fate.PROMOTED
    assert railway.record(second)["fate"] == "failed"
    assert not list(railway.hub.list("signalbox", "lock"))


async def test_a_lock_is_taken_once_by_whoever_is_first(railway: Railway) -> None:
    """Each step may be repeated after a kill: a place, a lock and its return have one effect."""
    names = [await railway.promote(f"churn:{n}", to="preprod") for n in "12" if railway.register(n, error=float(n))]
    one, two = (c.EndpointLock(key="k", endpoint="elsewhere", owner=name, model="churn") for name in names)
    railway.hub.delete("signalbox", "locks/elsewhere.json")
    await railway.host.settle()
    opened = {name: railway.record(name) for name in names}
    for name, record in opened.items():  # Both are under way.
        railway.hub.land(f"signalbox/promotions/{name}/promotion.json", json.dumps(record | {"fate": ""}).encode())

    assert lock_endpoint(railway.clients, one).held
    assert lock_endpoint(railway.clients, one).held
    first, again = lock_endpoint(railway.clients, two), lock_endpoint(railway.clients, two)
    assert (first.held, first.by, again.held) == (False, one.owner, False)
    assert len(list(railway.hub.list("signalbox", "lock-queues/elsewhere/"))) == 1
    unlock_endpoint(railway.clients, one)
    unlock_endpoint(railway.clients, one)
    assert not lock_endpoint(railway.clients, one).held  # Who has given it back comes after those who wait.
    assert lock_endpoint(railway.clients, two).held


async def test_what_asks_nobody_does_not_wait_for_the_people_of_another_version(railway: Railway) -> None:
    """A candidate's entry and a training hold no model; a training's data would change while it waits."""
    railway.register("1", error=1.0)
    railway.experiment("2")
    climbing = plan_promotion(railway.clients, ModelVersion(name="churn", version="1"), "dev", "central")
    training = plan_promotion(railway.clients, ModelVersion(name="churn", version="2"), "experiment", "dev")
    central = next(stage for stage in CONFIGURATION.ladder.stages if stage.name == "central")
    entering = replace(climbing, stages=(StagePlan(stage=replace(central, candidate=True)),))

    assert climbing.locks() == ["model/churn", "preprod/batch", "preprod/online", "versions/churn/1"]
    assert entering.locks() == ["versions/churn/1"]
    assert training.locks() == ["dev/online", "versions/churn/2"]


async def test_a_version_is_trained_while_another_waits_for_people(railway: Railway) -> None:
    await waiting(railway, "1", 2.0)
    railway.experiment("2")

    assert (await railway.finish(await railway.promote("churn:2", to="dev"))).fate is c.Fate.PROMOTED


class TestReplacing:
    """`newer: replace` on the stage of the registry."""

    @pytest.fixture
    async def railway(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Railway]:
        *others, central = CONFIGURATION.ladder.stages
        ladder = replace(CONFIGURATION.ladder, stages=(*others, replace(central, newer=Newer.REPLACE)))
        async with running(replace(CONFIGURATION, ladder=ladder), tmp_path, monkeypatch) as made:
            yield made

    async def test_a_later_version_replaces_one_that_waits_for_people(self, railway: Railway) -> None:
        first = await waiting(railway, "9", 2.0)
        railway.register("10", error=0.2)
        second = await railway.promote("churn:10")

        held = await railway.finish(first)
        await railway.approve(second)

        assert (held.fate, f"superseded by {second} (churn:10)" in held.because[0]) == (c.Fate.HELD, True)
        assert (await railway.finish(second)).fate is c.Fate.PROMOTED
        announced = railway.clients.announcer.kinds  # type: ignore[attr-defined]
        assert announced.count("Signalbox.Promotion.Superseded") == 1
        assert railway.chain().count("superseded") == 1

    async def test_an_earlier_version_replaces_nothing(self, railway: Railway) -> None:
        first = await waiting(railway, "10", 2.0)
        railway.register("9", error=0.2)
        second = await railway.promote("churn:9")
        await railway.pass_time(timedelta(hours=2))

        await railway.approve(first)

        assert (await railway.finish(first)).fate is c.Fate.PROMOTED
        await railway.approve(second)
        assert (await railway.finish(second)).fate is c.Fate.PROMOTED


def ids(railway: Railway) -> list[str]:
    blobs = railway.hub.list("signalbox", "promotions/")
    return sorted({blob.path.split("/")[1] for blob in blobs})
