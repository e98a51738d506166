"""What people do at the console while traffic shifts: stop a rollout, bring production back."""

from typing import Any

import pytest

from tests.browser.hands import BY, Hands, is_fresh, look_again
from tests.console.conftest import ReleaseConsole
from tests.rollout.conftest import FIRST, SECOND, RolloutApp

pytestmark = [pytest.mark.xdist_group("console releases"), pytest.mark.proof]


async def third_is_shifting(app: RolloutApp) -> str:
    promotion = await app.shifting("3")
    await app.watched(promotion)
    return promotion


@pytest.mark.parametrize("by", BY)
async def test_an_engineer_aborts_a_rollout(page: Any, replaced: ReleaseConsole, by: str) -> None:
    promotion, hands = await third_is_shifting(replaced), Hands(page, by)
    await page.goto(f"{replaced.host.url}/console/")
    await hands.press("Rollouts")
    await page.wait_for_url("**/rollouts")
    await hands.press("churn:3")
    await page.wait_for_url(f"**/rollouts/{promotion}")
    await hands.press("Abort")
    await hands.write("Why it is aborted", "callers complain")
    await hands.press("Abort the rollout")
    await page.wait_for_url("**done=abort")
    assert await page.get_by_role("status").filter(has_text="The rollout is being aborted.").count() == 1
    result = await replaced.finish(promotion)

    assert result.because == ("prod: aborted by linus: callers complain",)
    assert replaced.traffic == {replaced.deployment(SECOND): 100}


async def test_what_ends_a_rollout_appears_on_its_page_and_takes_the_orders_away(
    page: Any, replaced: ReleaseConsole
) -> None:
    promotion = await third_is_shifting(replaced)
    await page.goto(f"{replaced.host.url}/console/rollouts/{promotion}")
    await page.get_by_role("heading", name="What you may order").wait_for()
    await is_fresh(page)
    await replaced.order(promotion, "abort", "somebody else was faster")
    await replaced.finish(promotion)
    await look_again(page)
    await page.get_by_role("heading", name="How it ended").wait_for()

    assert await page.get_by_role("heading", name="What you may order").count() == 0


@pytest.mark.parametrize("by", BY)
async def test_an_engineer_rolls_back(page: Any, replaced: ReleaseConsole, by: str) -> None:
    hands = Hands(page, by)
    await page.goto(f"{replaced.host.url}/console/models")
    await hands.press("churn")
    await page.wait_for_url("**/models/churn")
    await hands.press("Roll back…")
    await page.wait_for_url("**/models/churn/rollback")
    await hands.write("Why it is rolled back", "callers complain")
    await hands.press("Roll back to churn:1")
    await page.wait_for_url("**done=order")
    await replaced.until(lambda: replaced.traffic == {replaced.deployment(FIRST): 100})

    assert await page.get_by_role("status").filter(has_text="The rollback has begun.").count() == 1


async def test_an_engineer_rolls_back_to_a_chosen_version_by_mouse(page: Any, replaced: ReleaseConsole) -> None:
    await page.goto(f"{replaced.host.url}/console/")
    await page.get_by_role("link", name="Models").click()
    await page.get_by_role("link", name="churn").click()
    await page.get_by_role("link", name="Roll back…").click()
    await page.get_by_label("Back to").select_option("1")
    await page.wait_for_url("**to=1**")  # The plan follows the choice.
    await page.get_by_text("held back from promotions until somebody releases it").wait_for()
    await page.get_by_label("Why it is rolled back").fill("callers complain")
    await page.get_by_role("button", name="Roll back to churn:1").click()
    await page.wait_for_url("**done=order")
    await replaced.until(lambda: replaced.traffic == {replaced.deployment(FIRST): 100})


async def test_a_plan_that_has_changed_is_told_beside_what_is_being_typed_and_nothing_is_sent(
    page: Any, replaced: ReleaseConsole
) -> None:
    await page.goto(f"{replaced.host.url}/console/models/churn/rollback")
    await is_fresh(page)
    await page.get_by_label("Why it is rolled back").fill("half a thought")
    await third_is_shifting(replaced)
    await look_again(page)
    await page.get_by_text("The plan has changed since you opened this page").wait_for()
    await page.get_by_role("button", name="Roll back to churn:1").click()
    await page.get_by_role("status").filter(has_text="Nothing was sent.").wait_for()

    assert await page.get_by_label("Why it is rolled back").input_value() == "half a thought"
    assert "rollback ordered" not in replaced.chain()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_no_page_of_releases_is_wider_than_its_window(
    page: Any, replaced: ReleaseConsole, scheme: str, width: int
) -> None:
    promotion = await third_is_shifting(replaced)
    await page.set_viewport_size({"width": width, "height": 800})
    await page.emulate_media(color_scheme=scheme)
    model = "models/churn"
    for path in (
        f"rollouts/{promotion}",
        model,
        f"{model}/comparison?first=1&second=2",
        f"{model}/rollback",
        f"{model}/revocation?version=2",
        f"{model}/hold?version=2",
        f"{model}/rehearsal",
    ):
        response = await page.goto(f"{replaced.host.url}/console/{path}")
        assert response.status == 200, path
        await page.get_by_role("heading", level=1).wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
