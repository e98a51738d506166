"""Every move of a rollout, failing before its effect, after it, or ended from outside: wholly new, or as before.

The cases come from the plan: each weight of the traffic is an effect of its own.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.application.promotion.planning import plan_promotion
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.plans import Move, Phase
from tests.amounts import sample
from tests.rollout.conftest import POLICY, RolloutApp, enter_second, release_first, running

pytestmark = pytest.mark.xdist_group("rollout saga")  # One process plays what they begin with.

TRAFFIC = "change prod/onlineEndpoints/churn-online traffic"
EFFECTS = {
    Move.COPY_BUNDLE: "copy prod",
    Move.REGISTER_MODEL: "register prod/models",
    Move.DEPLOY_ONLINE: "deploy prod/onlineEndpoints",
    Move.SHIFT_TRAFFIC: TRAFFIC,
    Move.MARK_IN_PRODUCTION: "tag central/models/churn:2",
}
CASES = [
    (effect, nth)
    for move, effect in EFFECTS.items()
    for nth in range(len(POLICY.steps) if move is Move.SHIFT_TRAFFIC else 1)
]


class NthFault:
    """Raises *error* at *times* effects that begin with *start*, from number *nth* on."""

    def __init__(self, start: str, nth: int, error: type[Exception], times: int = 1) -> None:
        self._start, self._nth, self._error, self._times, self.seen = start, nth, error, times, 0

    def __call__(self, effect: str) -> None:
        if effect.startswith(self._start):
            self.seen += 1
            if self._nth < self.seen <= self._nth + self._times:
                raise self._error(f"injected at {effect}")

    @property
    def fired(self) -> bool:
        return self.seen > self._nth


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """A version serves, and another is approved."""
    async for app in running(POLICY, tmp_path, monkeypatch, after=(release_first, enter_second)):
        yield app


def restored(app: RolloutApp, before: dict[str, dict[str, Any]]) -> bool:
    """All is as *before*, but for the tag that says on the entry why it was put back."""
    after = app.cloud.snapshot()
    after["assets"]["central/models/churn:2"] = before["assets"]["central/models/churn:2"]
    return after == before


async def test_the_moves_of_a_rollout_are_those_with_a_fault(served: RolloutApp) -> None:
    model = served.register("2", 1.0)
    plan = plan_promotion(served.clients, model, "central", "prod")
    assert [move for at in plan.stages for phase in Phase for move in at.moves(phase)] == list(EFFECTS)


@pytest.mark.long
@pytest.mark.parametrize(
    ("effect", "nth", "when"), sample([(*case, when) for case in CASES for when in ("before", "after")], 6)
)
async def test_a_permanent_failure_of_a_rollout_restores_everything(
    served: RolloutApp, effect: str, nth: int, when: str
) -> None:
    before = served.cloud.snapshot()
    fault = NthFault(effect, nth, Refused)
    setattr(served.cloud, when, fault)
    result = await served.finish(await served.promote("churn:2", "prod"))
    assert (result.fate, fault.fired) == (c.Fate.FAILED, True), result
    assert restored(served, before)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_passing_failures_of_every_move_of_a_rollout_change_nothing(served: RolloutApp, when: str) -> None:
    faults = [NthFault(effect, nth, Transient) for effect, nth in CASES]

    def troubled(effect: str) -> None:
        errors = list[Exception]()
        for fault in faults:  # Each counts what it sees, also where another one raises.
            try:
                fault(effect)
            except Transient as error:
                errors.append(error)
        if errors:
            raise errors[0]

    setattr(served.cloud, when, troubled)
    result = await served.finish(await served.promote("churn:2", "prod"))
    assert result.fate is c.Fate.PROMOTED, result
    assert all(fault.fired for fault in faults)
    assert list(served.traffic.values()) == [100]


@pytest.mark.long
@pytest.mark.parametrize(("effect", "nth"), sample(CASES, 4))
async def test_a_rollout_that_is_ended_from_outside_is_put_back(served: RolloutApp, effect: str, nth: int) -> None:
    before = served.cloud.snapshot()
    fault = NthFault(effect, nth, Transient, times=10_000)
    served.cloud.before = fault
    promotion = await served.promote("churn:2", "prod")
    await served.until(lambda: fault.fired, every_s=60)
    await served.host.terminate(promotion, "somebody pulled the plug")
    served.cloud.before = lambda effect: None
    await served.sweep()
    assert restored(served, before)
    assert served.record(promotion)["fate"] == "failed"
