"""A page says whether the app is at work on what it shows: then its script asks more often."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.records.lists.rows import RUNS, keep_listed
from shared.records.production import paths as production
from tests.console.conftest import ConsoleApp
from tests.console.test_sorted_lists import standing_of
from triggers.console.views.promotion import OF_PEOPLE, is_at_work
from triggers.http.promotion.promotions import PromotionShown


async def moves(app: ConsoleApp, path: str) -> bool:
    page = await (await app.signed_in("ada")).get(path)
    assert page.status == 200
    return " data-moves" in page.text


async def test_runs_move_until_each_has_ended(app: ConsoleApp) -> None:
    hub, state, opened = app.clients.hub, app.clients.configuration.hub.state, app.clients.clock.now().isoformat()
    seen = list[bool]()
    for outcome in ("", "quarantined"):
        keep_listed(hub, state, RUNS, "visits-1-1", {"route": "visits", "opened": opened, "outcome": outcome})
        seen.append(await moves(app, "runs"))

    assert seen == [True, False], "what waits for people does not move"


async def test_rollouts_move_unless_they_wait_for_a_person(app: ConsoleApp) -> None:
    standing, seen = standing_of("churn-1-production", "churn", app.clients.clock.now().isoformat()), list[bool]()
    for overdue in (False, True):
        app.clients.store.overwrite(production.rollout(standing.promotion), replace(standing, overdue=overdue))
        seen.append(await moves(app, "rollouts"))

    assert seen == [True, False]


async def test_a_promotion_that_waits_for_people_does_not_move(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)

    assert [await moves(app, path) for path in ("promotions", f"promotions/{promotion}")] == [False, False]


@pytest.mark.parametrize(
    ("step", "fate", "expected"),
    [("moving", "", True), ("assessing", "", True), ("done", "promoted", False), ("", "", False)]
    + [(step, "", False) for step in OF_PEOPLE],
)
def test_a_promotion_moves_while_a_step_of_it_is_nobodys(step: str, fate: str, expected: bool) -> None:
    assert is_at_work(PromotionShown(id="p", status="Running", step=step, fate=fate)) is expected


def test_the_steps_of_people_are_those_of_the_orchestrator() -> None:
    source = Path("orchestrators/promotion/promotions.py").read_text()

    assert [step for step in OF_PEOPLE if f'ctx.show("{step}"' not in source] == []
