"""The console of the whole local cloud: people choose themselves at its directory, approve, and see the end arrive.

Nothing is a test's own here: the app runs in its host, signs people in by the directory's pages, and asks every 15 s.
"""

import asyncio
from typing import Any

import pytest

from signalbox.cli.demonstrations.example import offer_answers
from tests.browser.conftest import PATIENCE_MS
from tests.browser.examination import faults_of
from tests.browser.hands import Hands
from tests.onemachine.conftest import example, models, world
from tests.onemachine.test_promotions import MODEL, CloudPromotions

__all__ = ["example", "models", "world"]  # Fixtures, which a test asks for by name.
pytestmark = [pytest.mark.xdist_group("console cloud"), pytest.mark.proof]


async def signed_in(page: Any, console: str, name: str, by: str) -> Hands:
    """*name* at her first page, whom she has chosen at the directory."""
    await page.goto(f"{console}/")
    await page.get_by_role("heading", name="Choose a person").wait_for()
    assert await faults_of(page) == []
    hands = Hands(page, by)
    await hands.press(name)
    await page.wait_for_url(f"{console}/**")
    return hands


async def approve(hands: Hands, promotion: str) -> None:
    await hands.press("Approve or reject")
    await hands.page.wait_for_url(f"**/promotions/{promotion}")
    await hands.write("Reason", "seen and agreed")
    await hands.press("Approve")
    await hands.page.wait_for_url("**done=approve")


async def test_two_people_approve_and_see_the_promotion_arrive_without_a_reload(page: Any, world, models) -> None:  # type: ignore[no-untyped-def]
    promotions, console = CloudPromotions(world, models), world.cloud.endpoints.console
    await asyncio.to_thread(offer_answers, world.cloud.endpoints, models / "ward")
    await asyncio.to_thread(promotions.offer, "10", "ward")
    promotion = await asyncio.to_thread(promotions.promote, "10", "central")
    await asyncio.to_thread(world.eventually, lambda: promotions._asked(promotion), within=300.0)
    elsewhere = await page.context.browser.new_context()
    elsewhere.set_default_timeout(PATIENCE_MS)
    ada = await elsewhere.new_page()
    await approve(await signed_in(ada, console, "Ada", "mouse"), promotion)
    await approve(await signed_in(page, console, "Grace", "keyboard"), promotion)
    await page.locator(".badge", has_text="promoted").first.wait_for()
    shown = await asyncio.to_thread(promotions.ended, promotion)

    assert shown["because"] == [f"{MODEL}:10 reached central"]
    assert await page.get_by_text(f"{MODEL}:10 reached central").count() == 1
