"""Before production is approved, pre-production answers what production is asked, and approvers see both."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.domain.gates import GateSpec
from shared.domain.promotion.ladder import Serving, Stage
from tests.promotion.conftest import PREPROD
from tests.rollout.conftest import POLICY, STAGES, RolloutApp, because, release_first, running

pytestmark = pytest.mark.xdist_group("rollout pre production")  # One process plays what they begin with.

AGREE = GateSpec(gate="outputs_agree", options={"min_agreement": 0.9, "min_rows": 10, "first_model": "pass"})
CENTRAL_STAGE, PROD_STAGE = STAGES
LADDER = (
    Stage(name="preprod", source="dev", environment=PREPROD, serving=Serving(online="online")),
    replace(CENTRAL_STAGE, source="preprod"),
    replace(PROD_STAGE, entry_gates=(AGREE,)),
)


@pytest.fixture
async def laddered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """A version serves production, and was sent 20 requests that were collected."""
    async for made in running(POLICY, tmp_path, monkeypatch, stages=LADDER, after=(release_first,)):
        made.outputs.collected = 20
        yield made


def evidence(app: RolloutApp, promotion: str) -> str:
    """The page that approvers of production see."""
    content = app.clients.store.read_file(f"promotions/{promotion}/prod/entry/pack.html")
    assert content is not None
    return content.decode()


async def test_a_version_that_answers_alike_in_pre_production_goes_on(laddered: RolloutApp) -> None:
    promotion = await laddered.promote(str(await laddered.entered("2")), "prod")
    assert (await laddered.finish(promotion)).fate is c.Fate.PROMOTED
    page = evidence(laddered, promotion)
    assert "Production was sent 20 requests of the last day again" in page
    assert "which left 0 unanswered" in page


async def test_a_version_that_answers_otherwise_is_held_before_it_is_deployed(laddered: RolloutApp) -> None:
    before = laddered.cloud.snapshot()["deployments"]
    model = await laddered.entered("2")
    laddered.cloud.predict[str(model)] = lambda row: float(row["x"]) + 1000
    result = await laddered.finish(await laddered.promote(str(model), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "outputs_agree" in because(result)
    deployed = laddered.cloud.snapshot()["deployments"]
    assert {name for name in deployed if name.startswith("prod/")} == {
        name for name in before if name.startswith("prod/")
    }


async def test_requests_that_pre_production_fails_are_told_to_the_approvers(laddered: RolloutApp) -> None:
    model = await laddered.entered("2")
    predict = laddered.cloud.predict[str(model)]
    laddered.cloud.predict[str(model)] = lambda row: predict(row) + 0 / (int(row["x"]) - 3)
    promotion = await laddered.promote(str(model), "prod")
    result = await laddered.finish(promotion)
    assert result.fate is not c.Fate.PROMOTED, result


async def test_without_the_entry_in_pre_production_nothing_is_measured(laddered: RolloutApp) -> None:
    model = await laddered.entered("2")
    deployments = laddered.cloud.state["deployments"]
    (name,) = (name for name, served in deployments.items() if served == f"preprod/models/{model}")
    del deployments[name]
    result = await laddered.finish(await laddered.promote(str(model), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "outputs_agree" in because(result)
