"""Every move, failing before its effect, after it, or with its host's orchestration ended: all or nothing at the end.

The cases come from the moves of the plan itself, so that a new move is covered by itself.
"""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from activities.promotion import flags
from activities.promotion.movers import MOVERS
from shared import contracts as c
from shared.application.promotion.planning import plan_promotion
from shared.codec import encode
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.plans import Move, Phase
from tests.amounts import sample
from tests.pasts import past_after
from tests.promotion.conftest import CONFIGURATION, PromotionApp, running

pytestmark = pytest.mark.xdist_group("promotion saga")  # One process plays what they begin with.

EFFECTS = {
    "preprod": {
        Move.COPY_BUNDLE: "copy preprod",
        Move.REGISTER_MODEL: "register preprod/models",
        Move.DEPLOY_ONLINE: "deploy preprod/onlineEndpoints",
        Move.DEPLOY_BATCH: "deploy preprod/batchEndpoints",
        Move.SWITCH_TRAFFIC: "change preprod/onlineEndpoints/online traffic",
    },
    "central": {
        Move.PUBLISH_ENTRY: "register central/models/churn:",
        Move.APPROVE_ENTRY: "tag central/models",
    },
    "dev": {
        Move.COPY_BUNDLE: "copy dev",
        Move.TRAIN_MODEL: "train dev",
        Move.REGISTER_MODEL: "register dev/models",
        Move.DEPLOY_ONLINE: "deploy dev/onlineEndpoints",
        Move.SWITCH_TRAFFIC: "change dev/onlineEndpoints/online traffic",
    },
}
CLIMB = [("central", effect) for stage in ("preprod", "central") for effect in EFFECTS[stage].values()]
TRAINING = [("dev", effect) for effect in EFFECTS["dev"].values()]
SOURCES = {"central": "dev", "dev": "experiment"}
CASES = CLIMB + TRAINING


class Fault:
    """Raises *error* at the first *times* effects that begin with *start*."""

    def __init__(self, start: str, error: type[Exception], times: int) -> None:
        self._start, self._error, self._times, self.fired = start, error, times, 0

    def __call__(self, effect: str) -> None:
        if effect.startswith(self._start) and self.fired < self._times:
            self.fired += 1
            raise self._error(f"injected at {effect}")


async def settled(app: PromotionApp, target: str) -> c.PromotionResult:
    """The promotion that meets the fault, beside a champion; approved as soon as it asks."""
    promotion = await app.promote("churn:2", to=target)
    if target == "central":
        with suppress(LookupError):  # It may be undone before it comes to asking anybody.
            await app.approve(promotion)
    return await app.finish(promotion)


@pytest.fixture
async def champion(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    """Where *target* is reached from: a champion has gone before, and version 2 is there to follow it."""
    start = partial(running, CONFIGURATION)
    past = await past_after([publish_first] if target == "central" else [], repr(CONFIGURATION), start)
    async with start(tmp_path, monkeypatch, past) as app:
        if target == "dev":
            app.experiment("1")
            await app.finish(await app.promote("churn:1", to="dev"))
            app.experiment("2")
        else:
            app.register("2", error=1.0)
        yield app


async def publish_first(app: PromotionApp) -> None:
    app.register("1", error=2.0)
    await app.whole("churn:1")


def test_every_move_of_every_plan_has_a_fault_and_an_undo(app: PromotionApp) -> None:
    model = app.experiment("1")
    plans = [plan_promotion(app.clients, model, "experiment", "dev")]
    app.register("1", error=1.0)
    plans.append(plan_promotion(app.clients, model, "dev", "central"))

    planned = {at.stage.name: [each for phase in Phase for each in at.moves(phase)] for p in plans for at in p.stages}
    assert planned == {stage: list(effects) for stage, effects in EFFECTS.items()}
    # These moves have faults of their own, in tests/rollout/test_saga.py, test_rehearsals.py and test_batch_trial.py.
    elsewhere = {Move.MIRROR_TRAFFIC, Move.SHIFT_TRAFFIC, Move.MARK_IN_PRODUCTION, Move.REHEARSE_ROLLBACK}
    elsewhere |= {Move.TRY_BATCH}
    assert {move for moves in planned.values() for move in moves} | elsewhere == set(MOVERS) == set(Move)
    assert all(callable(mover.undo) for mover in MOVERS.values())


def restored(app: PromotionApp, before: dict[str, dict[str, Any]], target: str) -> bool:
    """All is as *before*, but for the tag that says on the source why the version was put back."""
    after, name = app.cloud.snapshot(), f"{SOURCES[target]}/models/churn:2"
    after["assets"][name] = before["assets"][name]
    return after == before


@pytest.mark.long
@pytest.mark.parametrize(
    ("target", "effect", "when"), sample([(*case, when) for case in CASES for when in ("before", "after")], 9)
)
async def test_a_permanent_failure_restores_everything(
    champion: PromotionApp, target: str, effect: str, when: str
) -> None:
    before = champion.cloud.snapshot()
    setattr(champion.cloud, when, Fault(effect, Refused, times=1))

    result = await settled(champion, target)

    assert (result.fate, f"injected at {effect}" in result.because[0]) == (c.Fate.FAILED, True)
    assert restored(champion, before, target)
    champion.chain()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("target", list(SOURCES))
async def test_passing_failures_of_every_move_change_nothing(champion: PromotionApp, target: str, when: str) -> None:
    faults = {effect: Fault(effect, Transient, times=2) for to, effect in CLIMB + TRAINING if to == target}

    def troubled(effect: str) -> None:
        for fault in faults.values():
            fault(effect)

    setattr(champion.cloud, when, troubled)

    result = await settled(champion, target)

    assert result.fate is c.Fate.PROMOTED
    assert all(fault.fired for fault in faults.values())
    made = {name: n for name, n in champion.cloud.effects.items() if name.startswith(tuple(faults)) and "2" in name}
    assert (len(made) >= len(faults), set(made.values())) == (True, {1})
    champion.chain()


@pytest.mark.parametrize("target", ["central"])
@pytest.mark.parametrize("fails", [False, True])
async def test_traffic_that_changes_slowly_is_waited_for_both_ways(
    champion: PromotionApp, target: str, fails: bool
) -> None:
    before, champion.endpoints.is_slow = champion.cloud.snapshot(), True
    effect = EFFECTS["preprod"][Move.SWITCH_TRAFFIC]
    if fails:
        champion.cloud.after = Fault(effect, Refused, times=1)

    result = await settled(champion, target)

    traffic = champion.cloud.state["endpoints"]["preprod/onlineEndpoints/online"]["traffic"]
    deployments = [name for name in champion.cloud.state["deployments"] if "onlineEndpoints" in name]
    newest = next(name for name in reversed(deployments) if "preprod" in name).rpartition("/")[2]
    if fails:
        assert (result.fate, restored(champion, before, target)) == (c.Fate.FAILED, True)
    else:
        assert (result.fate, traffic, champion.cloud.effects[effect]) == (c.Fate.PROMOTED, {newest: 100}, 2)


@pytest.mark.long
@pytest.mark.parametrize(("target", "effect"), sample(CASES, 5))
async def test_a_promotion_that_is_ended_from_outside_is_put_back(
    champion: PromotionApp, target: str, effect: str
) -> None:
    before = champion.cloud.snapshot()
    fault = Fault(effect, Transient, times=3)
    champion.cloud.after = fault
    promotion = await champion.promote("churn:2", to=target)
    if effect in EFFECTS["central"].values():
        await champion.approve(promotion)
    await champion.until(lambda: fault.fired > 0)
    await champion.host.terminate(promotion, "somebody pulled the plug")
    await champion.sweep()

    assert restored(champion, before, target)
    assert champion.record(promotion)["fate"] == "failed"


async def test_a_promotion_that_ends_while_the_sweep_looks_at_it_is_left_alone(
    app: PromotionApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", to="preprod")
    find_instance, client = flags.find_instance, df.DurableOrchestrationClient(app.host.client_binding())

    async def late(client: Any, instance: str) -> Any:
        await app.finish(instance)
        return await find_instance(client, instance)

    monkeypatch.setattr(flags, "find_instance", late)
    await app.until(lambda: bool(app.cloud.state["deployments"]))
    swept = await flags.sweep_promotions(client, app.clients, c.Sweep(key="k"))

    assert (swept.adrift, app.record(promotion)["fate"]) == (0, "promoted")


async def test_a_promotion_whose_fate_is_written_is_not_put_back(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    result = await app.finish(await app.promote("churn:1", to="preprod"))
    left = encode(c.Promotion(id=result.id, model=model, source="dev", target="preprod"))
    app.hub.land(f"signalbox/promotions-open/{result.id}.json", json.dumps(left).encode())

    await app.sweep()

    assert (app.record(result.id)["fate"], bool(app.cloud.state["deployments"])) == ("promoted", True)
    assert not list(app.hub.list("signalbox", "promotions-open/"))
