"""Every move, failing before its effect, after it, or with its host's orchestration ended: all or nothing at the end.

The cases come from the moves of the plan itself, so that a new move is covered by itself.
"""

from contextlib import suppress

import pytest

from activities.movers import MOVERS
from shared import contracts as c
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.plans import Move
from tests.promotion.conftest import Railway

EFFECTS = {
    Move.COPY_BUNDLE: "copy preprod",
    Move.REGISTER_MODEL: "register preprod/models",
    Move.DEPLOY_ONLINE: "deploy preprod/onlineEndpoints",
    Move.DEPLOY_BATCH: "deploy preprod/batchEndpoints",
    Move.SWITCH_TRAFFIC: "change preprod/onlineEndpoints/online traffic",
    Move.PUBLISH_ENTRY: "register central/models/churn:",
    Move.APPROVE_ENTRY: "tag central/models",
}


class Fault:
    """Raises *error* at the first *times* effects that begin with *start*."""

    def __init__(self, start: str, error: type[Exception], times: int) -> None:
        self._start, self._error, self._times, self.fired = start, error, times, 0

    def __call__(self, effect: str) -> None:
        if effect.startswith(self._start) and self.fired < self._times:
            self.fired += 1
            raise self._error(f"injected at {effect}")


async def settled(railway: Railway) -> c.PromotionResult:
    """A champion first, then the promotion that meets the fault; approved as soon as it asks."""
    promotion = await railway.promote("churn:2")
    with suppress(LookupError):  # It may be undone before it comes to asking anybody.
        await railway.approve(promotion)
    return await railway.finish(promotion)


@pytest.fixture
async def champion(railway: Railway) -> Railway:
    railway.register("1", error=2.0)
    await railway.whole("churn:1")
    railway.register("2", error=1.0)
    return railway


def test_every_move_has_a_fault_and_an_undo():
    assert set(EFFECTS) == set(MOVERS) == set(Move)
    assert all(callable(mover.undo) for mover in MOVERS.values())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("move", list(Move))
async def test_a_permanent_failure_restores_everything(champion: Railway, move: Move, when: str) -> None:
    before = champion.cloud.snapshot()
    setattr(champion.cloud, when, Fault(EFFECTS[move], Refused, times=1))

    result = await settled(champion)

    after = champion.cloud.snapshot()
    after["assets"]["dev/models/churn:2"] = before["assets"]["dev/models/churn:2"]  # Its tag says why it was put back.
    assert (result.fate, f"injected at {EFFECTS[move]}" in result.because[0]) == (c.Fate.FAILED, True)
    assert after == before
    champion.chain()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("move", list(Move))
async def test_a_passing_failure_changes_nothing(champion: Railway, move: Move, when: str) -> None:
    setattr(champion.cloud, when, Fault(EFFECTS[move], Transient, times=2))

    result = await settled(champion)

    assert result.fate is c.Fate.PROMOTED
    made = [name for name in champion.cloud.effects if name.startswith(EFFECTS[move]) and "2" in name]
    assert all(champion.cloud.effects[name] == 1 for name in made)
    champion.chain()


@pytest.mark.parametrize("move", list(Move))
async def test_a_promotion_that_is_ended_from_outside_is_put_back(champion: Railway, move: Move) -> None:
    before = champion.cloud.snapshot()
    fault = Fault(EFFECTS[move], Transient, times=3)
    champion.cloud.after = fault
    promotion = await champion.promote("churn:2")
    if move in (Move.PUBLISH_ENTRY, Move.APPROVE_ENTRY):
        await champion.approve(promotion)
    await champion.until(lambda: fault.fired > 0)
    await champion.host.terminate(promotion, "somebody pulled the plug")
    await champion.sweep()

    after = champion.cloud.snapshot()
    after["assets"]["dev/models/churn:2"] = before["assets"]["dev/models/churn:2"]
    assert after == before
    assert champion.record(promotion)["fate"] == "failed"
