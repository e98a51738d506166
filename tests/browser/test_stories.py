"""What people do at the console, in a real browser: decide by keyboard, see what changes, lose nothing they typed."""

from datetime import timedelta
from typing import Any

import pytest

from tests.browser.conftest import look_again, tab_to
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
    await look_again(page)
    await page.get_by_role("row").filter(has_text="data-scientist").wait_for()

    assert await page.get_by_label("Reason").input_value() == "half a thought"


async def test_a_data_scientist_rejects_by_mouse(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app, "ada")
    await page.goto(f"{app.host.url}/console/")
    await page.get_by_role("link", name="Approve or reject").click()
    await page.get_by_text("Reject instead").click()
    await page.get_by_label("Why not").fill("recall fell")
    await page.get_by_role("button", name="Reject", exact=True).click()
    await page.wait_for_url("**done=reject")
    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")

    assert [(row["decision"], row["reason"]) for row in listed["decisions"]] == [("rejected", "recall fell")]


async def test_a_promotion_is_followed_live_to_its_end(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.get_by_text("As of").wait_for()
    assert await page.locator(".ladder [aria-current=step]").inner_text() == "● central"
    await app.decide(promotion, "ada", "data-scientist")
    await app.decide(promotion, "grace", "product-owner")
    await app.finish(promotion)
    await look_again(page)
    await page.locator(".badge", has_text="promoted").first.wait_for()

    assert await page.locator(".ladder [aria-current=step]").count() == 0
    assert await page.get_by_role("heading", name="Your decision").count() == 0


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
async def test_who_signs_out_sees_nothing_more(app: ConsoleApp, page: Any, by: str) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    if by == "keyboard":
        await tab_to(page, "Sign out")
        await page.keyboard.press("Enter")
    else:
        await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", name="You have signed out").wait_for()
    cookies = await page.context.cookies()
    await page.go_back()  # The browser has kept nothing: it asks, and the directory of the test signs in anew.
    await page.get_by_role("heading", level=1).wait_for()

    assert cookies == []


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
async def test_a_decision_in_an_ended_session_is_resumed_and_sent_once(app: ConsoleApp, page: Any, by: str) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.get_by_label("Reason").fill("a long reason")
    await app.pass_time(timedelta(hours=2))
    for _ in range(2):
        if by == "keyboard":
            await page.get_by_label("Reason").focus()
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
        else:
            await page.get_by_role("button", name="Approve").click()
        if _ == 0:
            await page.get_by_text("nothing has been sent yet").wait_for()
            assert (await app.ask("GET", f"promotions/{promotion}/decisions"))[1]["decisions"] == []
            assert await page.get_by_label("Reason").input_value() == "a long reason"
    await page.wait_for_url("**done=approve")
    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")

    assert [row["reason"] for row in listed["decisions"]] == ["a long reason"]


async def test_a_session_that_ends_while_somebody_types_takes_nothing_away(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.get_by_text("As of").wait_for()
    await page.get_by_label("Reason").fill("a long reason")
    await app.pass_time(timedelta(hours=2))
    await look_again(page)
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
