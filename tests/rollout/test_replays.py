"""A quiet service: the same inputs are sent to both versions by name, once each, and count as a stratum."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.domain.rollout.policy import ReplaySource, TopUp
from tests.rollout.conftest import POLICY, RolloutApp, because, release_first, running

pytestmark = pytest.mark.xdist_group("rollout replays")  # One process plays what they begin with.

QUIET = replace(POLICY, top_up=TopUp(replay=ReplaySource.COLLECTOR, most=1000, per_look=100))
GOLDEN = replace(POLICY, top_up=TopUp(replay=ReplaySource.GOLDEN))


@pytest.fixture
async def quiet(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RolloutApp]:
    """A version serves, and nobody asks it anything."""
    async for made in running(request.param, tmp_path, monkeypatch, after=(release_first,)):
        made.requests.silent = True
        made.outputs.collected = 1000
        yield made


async def step_of(app: RolloutApp, promotion: str, hours: float) -> dict[str, object]:
    await app.pass_time(hours=hours)
    return (await app.ask("GET", f"rollouts/{promotion}"))[1]


@pytest.mark.parametrize("quiet", [QUIET], indirect=True)
async def test_replayed_inputs_carry_a_healthy_version_over_its_steps(quiet: RolloutApp) -> None:
    promotion = await quiet.promote(str(await quiet.entered("2")), "prod")
    shown = await step_of(quiet, promotion, hours=1)
    assert [step["because"] for step in shown["steps"]][:1] != []  # type: ignore[index]
    assert "100 replayed inputs" in shown["steps"][0]["because"]  # type: ignore[index]
    assert shown["steps"][0]["requests"] == 0  # type: ignore[index]


@pytest.mark.parametrize("quiet", [QUIET], indirect=True)
async def test_a_version_that_fails_on_inputs_that_the_champion_answers_is_aborted(quiet: RolloutApp) -> None:
    before = quiet.traffic
    model = await quiet.entered("2")
    predict = quiet.cloud.predict[str(model)]
    quiet.cloud.predict[str(model)] = lambda row: predict(row) + 0 / (int(row["x"]) % 10)  # One of ten fails.
    result = await quiet.finish(await quiet.promote(str(model), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "replayed inputs" in because(result)
    assert quiet.traffic == before


@pytest.mark.parametrize("quiet", [GOLDEN], indirect=True)
async def test_an_input_is_replayed_once_and_one_golden_request_decides_nothing(quiet: RolloutApp) -> None:
    promotion = await quiet.promote(str(await quiet.entered("2")), "prod")
    shown = await step_of(quiet, promotion, hours=3)
    assert (shown["step"], shown["decision"]) == (0, "wait")
    assert "0 requests of at least 100 were counted and 1 input replayed" in str(shown["because"])
