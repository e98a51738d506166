"""What people do at the console with promotions, in a real browser: decide, see what changes, lose nothing typed."""

from datetime import timedelta
from typing import Any

import pytest

from tests.browser.conftest import sign_in_as
from tests.browser.examination import faults_of
from tests.browser.hands import BY, Hands, is_fresh, look_again
from tests.console.conftest import ConsoleApp
from triggers.console.pages import PAGES

pytestmark = pytest.mark.xdist_group("console stories")
Decisions = list[tuple[str, str, str]]


async def waiting(app: ConsoleApp, who: str = "grace") -> str:
    """A promotion that waits for *who*, as whom the browser signs in."""
    sign_in_as(app, who)
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", reason="half the error")
    await app.evidence(promotion)
    return promotion


async def decided(app: ConsoleApp, promotion: str) -> Decisions:
    _, listed = await app.ask("GET", f"promotions/{promotion}/decisions")
    return [(row["by"], row["decision"], row["reason"]) for row in listed["decisions"]]


async def approve(app: ConsoleApp, page: Any, by: str) -> None:
    """From the first page to a decision, with the evidence looked at on the way."""
    promotion, hands = await waiting(app), Hands(page, by)
    await page.goto(f"{app.host.url}/")
    async with page.expect_response("**/evidence?*") as shown:  # Nothing runs in its frame, a test's script neither.
        await hands.press("Approve or reject")
        await page.wait_for_url(f"**/promotions/{promotion}")
        await page.locator("iframe").scroll_into_view_if_needed()
    evidence = await (await shown.value).text()
    faults = await faults_of(page)
    await hands.write("Reason", "seen and agreed")
    await hands.press("Approve")
    await page.wait_for_url("**done=approve")

    assert "better_than_champion" in evidence
    assert faults == []
    assert await page.get_by_role("status").filter(has_text="You have approved it.").count() == 1
    assert await decided(app, promotion) == [("grace", "approved", "seen and agreed")]


async def test_a_product_owner_approves_with_the_evidence_by_keyboard_alone(app: ConsoleApp, page: Any) -> None:
    await approve(app, page, "keyboard")


@pytest.mark.proof
async def test_a_product_owner_approves_with_the_evidence_by_mouse(app: ConsoleApp, page: Any) -> None:
    await approve(app, page, "mouse")


@pytest.mark.proof
async def test_the_first_tab_of_a_page_leads_past_its_navigation(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await page.wait_for_url(f"**/promotions/{promotion}")


@pytest.mark.proof
@pytest.mark.parametrize("by", BY)
async def test_a_data_scientist_rejects(app: ConsoleApp, page: Any, by: str) -> None:
    promotion, hands = await waiting(app, "ada"), Hands(page, by)
    await page.goto(f"{app.host.url}/console/")
    await hands.press("Approve or reject")
    await page.wait_for_url(f"**/promotions/{promotion}")
    await hands.press("Reject instead")
    await hands.write("Why not", "recall fell")
    if by == "keyboard":
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
    else:
        await page.get_by_role("button", name="Reject", exact=True).click()
    await page.wait_for_url("**done=reject")

    assert await decided(app, promotion) == [("ada", "rejected", "recall fell")]


@pytest.mark.proof
@pytest.mark.parametrize("by", BY)
async def test_evidence_that_is_not_that_of_the_screen_is_told_and_nothing_is_sent(
    app: ConsoleApp, page: Any, by: str
) -> None:
    promotion, hands = await waiting(app), Hands(page, by)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.evaluate("document.querySelector('[data-evidence]').dataset.evidence = 'sha256:older'")
    await hands.write("Reason", "seen")
    await hands.press("Approve")
    await page.get_by_text("The evidence has changed since you opened this page").wait_for()

    assert await decided(app, promotion) == []
    assert await page.get_by_label("Reason").input_value() == "seen"


@pytest.mark.proof
async def test_what_another_person_decides_appears_beside_what_is_being_typed(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await is_fresh(page)
    await page.get_by_label("Reason").fill("half a thought")
    await app.decide(promotion, "ada", "data-scientist")
    await look_again(page)
    await page.get_by_role("row").filter(has_text="data-scientist").wait_for()

    assert await page.get_by_label("Reason").input_value() == "half a thought"


@pytest.mark.proof
@pytest.mark.parametrize("by", BY)
async def test_a_promotion_is_followed_live_to_its_end(app: ConsoleApp, page: Any, by: str) -> None:
    promotion, hands = await waiting(app), Hands(page, by)
    await page.goto(f"{app.host.url}/console/")
    await hands.press("Promotions")
    await page.wait_for_url("**/promotions")
    await hands.press("churn:1")
    await page.wait_for_url(f"**/promotions/{promotion}")
    await is_fresh(page)
    assert "central" in await page.locator(".ladder [aria-current=step]").inner_text()
    await app.decide(promotion, "ada", "data-scientist")
    await app.decide(promotion, "grace", "product-owner")
    await app.finish(promotion)
    await look_again(page)
    await page.locator(".badge", has_text="promoted").first.wait_for()

    assert await page.locator(".ladder [aria-current=step]").count() == 0
    assert await page.get_by_role("heading", name="Your decision").count() == 0


@pytest.mark.proof
@pytest.mark.parametrize("by", BY)
async def test_who_signs_out_sees_nothing_more(app: ConsoleApp, page: Any, by: str) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await Hands(page, by).press("Sign out")
    await page.get_by_role("heading", name="You have signed out").wait_for()
    cookies = await page.context.cookies()
    await page.go_back()  # The browser has kept nothing: it asks, and the directory of the test signs in anew.
    await page.get_by_role("heading", level=1).wait_for()

    assert cookies == []


@pytest.mark.proof
@pytest.mark.parametrize("by", BY)
async def test_a_decision_in_an_ended_session_is_resumed_and_sent_once(app: ConsoleApp, page: Any, by: str) -> None:
    promotion, hands = await waiting(app), Hands(page, by)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await hands.write("Reason", "a long reason")
    await app.pass_time(timedelta(hours=2))
    await hands.press("Approve")
    await page.get_by_text("nothing has been sent yet").wait_for()
    between = (await decided(app, promotion), await page.get_by_label("Reason").input_value())
    await hands.press("Approve")
    await page.wait_for_url("**done=approve")

    assert between == ([], "a long reason")
    assert await decided(app, promotion) == [("grace", "approved", "a long reason")]


@pytest.mark.proof
async def test_a_session_that_ends_while_somebody_types_takes_nothing_away(app: ConsoleApp, page: Any) -> None:
    promotion = await waiting(app)
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await is_fresh(page)
    await page.get_by_label("Reason").fill("a long reason")
    await app.pass_time(timedelta(hours=2))
    await look_again(page)
    await page.get_by_text("You have been signed out").wait_for()

    assert await page.get_by_label("Reason").input_value() == "a long reason"


@pytest.mark.proof
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
