"""A version that a rollback has left stays back on every way in, until somebody releases it with a reason."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from activities.devops.starts import begin
from activities.retraining.sweeps import begin_promotion
from shared import contracts as c
from shared.domain import identity
from shared.domain.devops.orders import OrderKind, TaskOrder
from shared.domain.promotion.approvals import ApprovalPolicy, Person
from shared.domain.promotion.models import FLAG, ModelVersion
from shared.durable.starting import Client
from shared.records.production.serving import VersionHold, sign_hold
from tests.promotion.conftest import SCIENTIST
from tests.promotion.test_flags import registered, tell
from tests.rollout.conftest import POLICY, RolloutApp, because, configuration_with, running_with

MODEL = ModelVersion(name="churn", version="3")


class StartedByHost:
    """A Durable client that starts orchestrations on the test's host."""

    def __init__(self, app: RolloutApp) -> None:
        self._app, self.promotion = app, ""

    async def get_status(self, instance: str) -> None:
        return None

    async def start_new(self, name: str, instance: str, payload: Any) -> str:
        self.promotion = instance
        return await self._app.host.start(name, instance, payload)


def hold(app: RolloutApp, model: ModelVersion = MODEL) -> None:
    held = VersionHold(model=model, released=False, by="linus", reason="wrong prices", at=app.clients.clock.now())
    assert sign_hold(app.clients.statements, held)


@pytest.fixture
def held(app: RolloutApp) -> RolloutApp:
    """A version that is ready to be promoted, and held back."""
    app.register("3", 1.0, **{FLAG: f"{MODEL} -> central"})
    hold(app)
    return app


async def by_a_person(app: RolloutApp) -> str:
    return await app.promote(str(MODEL), "central")


async def by_its_event(app: RolloutApp) -> str:
    await tell(app, registered("3"))
    return identity.promotion_id(MODEL.name, MODEL.version, "central")


async def by_the_sweep_of_flags(app: RolloutApp) -> str:
    await app.sweep()
    return identity.promotion_id(MODEL.name, MODEL.version, "central")


async def by_a_pipeline(app: RolloutApp) -> str:
    client, order = StartedByHost(app), TaskOrder(kind=OrderKind.PROMOTION, model=str(MODEL), to="central")
    person = Person(oid="3", name="linus", roles=("MLEngineer",))
    begun = await begin(cast(Client, client), app.clients, "devops/tasks/1/begun", order, person)
    assert begun.id == client.promotion
    return begun.id


async def by_retraining(app: RolloutApp) -> str:
    client, promotion = StartedByHost(app), identity.promotion_id(MODEL.name, MODEL.version, "central")
    request = c.Promotion(id=promotion, model=MODEL, source="dev", target="central", automatic=True)
    await begin_promotion(cast(Client, client), app.clients, c.PromotionStart(key="retraining/1", promotion=request))
    return client.promotion


WAYS_IN = (by_a_person, by_its_event, by_the_sweep_of_flags, by_a_pipeline, by_retraining)


@pytest.mark.parametrize("way_in", WAYS_IN, ids=lambda way: way.__name__)
async def test_what_is_held_comes_back_on_no_way(
    held: RolloutApp, way_in: Callable[[RolloutApp], Awaitable[str]]
) -> None:
    result = await held.finish(await way_in(held))
    assert result.fate is c.Fate.REFUSED, result
    assert "churn:3 is held back by linus" in because(result)
    assert "central/models/churn:3" not in held.cloud.state["assets"]
    status, answer = await held.ask("POST", "models/churn/release", {"version": "3", "reason": "mended"}, "linus")
    assert (status, answer["released"]) == (200, True)
    again = await held.finish(await held.promote(str(MODEL), "central"))
    assert again.fate is c.Fate.PROMOTED, again


async def test_a_release_needs_a_reason(held: RolloutApp) -> None:
    status, _ = await held.ask("POST", "models/churn/release", {"version": "3", "reason": ""}, "linus")
    assert status == 400
    assert (await held.finish(await by_a_person(held))).fate is c.Fate.REFUSED


@pytest.fixture
async def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Production asks a data scientist first."""
    whole = configuration_with(POLICY)
    stages = tuple(
        replace(stage, approvals=ApprovalPolicy(roles=(SCIENTIST,))) if stage.rollout else stage
        for stage in whole.ladder.stages
    )
    configuration = replace(whole, ladder=replace(whole.ladder, stages=stages))
    async for made in running_with(configuration, tmp_path, monkeypatch):
        yield made


async def test_a_version_that_is_left_while_people_are_asked_goes_no_further(asking: RolloutApp) -> None:
    model = await asking.entered("1")
    promotion = await asking.promote(str(model), "prod")
    evidence = ""
    while not evidence:
        await asking.pass_time(seconds=10)
        _, shown = await asking.ask("GET", f"promotions/{promotion}")
        evidence = next((each["digest"] for each in shown["evidence"] if each["stage"] == "prod"), "")
    hold(asking, model)
    status, answer = await asking.decide(promotion, "ada", "data-scientist", evidence=evidence)
    assert status == 200, answer
    result = await asking.finish(promotion)
    assert result.fate is not c.Fate.PROMOTED
    assert "churn:1 is held back by linus" in because(result)
    assert asking.traffic == {}
