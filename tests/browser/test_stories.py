"""What people do at the console, in a real browser: decide by keyboard, see what changes, lose nothing they typed."""

from datetime import timedelta
from typing import Any

import pytest

from tests.console.conftest import ConsoleApp
from triggers.console.pages import PAGES


async def waiting(app: ConsoleApp, who: str = "grace") -> str:
    """A promotion that waits for *who*, as whom the browser signs in."""
    app.clients.sign_in.who = who  # type: ignore[attr-defined]
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", reason="half the error")
    await app.evidence(promotion)
    return promotion


async def test_a_product_owner_approves_by_keyboard_alone(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/promotions/{promotion}")
    for _ in range(40):
        if await page.evaluate("document.activeElement.tagName") == "TEXTAREA":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.type("seen and agreed")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**done=approve")

    assert await page.get_by_role("status").filter(has_text="You have approved it.").count() == 1
    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")
    assert [(row["by"], row["reason"]) for row in listed["decisions"]] == [("grace", "seen and agreed")]


async def test_evidence_that_is_not_that_of_the_screen_is_told_and_nothing_is_sent(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.evaluate("document.querySelector('[data-evidence]').dataset.evidence = 'sha256:older'")
    await page.get_by_label("Reason").fill("seen")
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("The evidence has changed since you opened this page").wait_for()

    assert (await app.ask("GET", f"promotions/{promotion}/decisions"))[1]["decisions"] == []
    assert await page.get_by_label("Reason").input_value() == "seen"


async def test_what_another_person_decides_appears_beside_what_is_being_typed(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.get_by_text("As of").wait_for()
    await page.get_by_label("Reason").fill("half a thought")
    await app.decide(promotion, "ada", "data-scientist")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # As on the return to the tab.
    await page.get_by_role("row").filter(has_text="data-scientist").wait_for()

    assert await page.get_by_label("Reason").input_value() == "half a thought"


async def test_a_session_that_ends_while_somebody_types_takes_nothing_away(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.get_by_text("As of").wait_for()
    await page.get_by_label("Reason").fill("a long reason")
    await app.pass_time(timedelta(hours=2))
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.get_by_text("You have been signed out").wait_for()

    assert await page.get_by_label("Reason").input_value() == "a long reason"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
async def test_no_page_is_wider_than_its_window_or_breaks_its_policy(
    app: ConsoleApp, page: Any, scheme: str, width: int
) -> None:
    promotion = await waiting(app, "linus")
    await page.set_viewport_size({"width": width, "height": 800})
    await page.emulate_media(color_scheme=scheme)
    for path in [*(page.path for page in PAGES if "{" not in page.path), f"promotions/{promotion}"]:
        response = await page.goto(f"{app.host.url}/console/{path}")
        assert response.status == 200
        await page.get_by_role("heading", level=1).wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
