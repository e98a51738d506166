"""How often an open page asks: 240 times an hour at most, and never while nobody looks at it."""

from typing import Any

import pytest

from tests.browser.hands import is_fresh
from tests.browser.test_stories import waiting
from tests.console.conftest import ConsoleApp

pytestmark = [pytest.mark.xdist_group("console stories"), pytest.mark.proof]
MOST_AN_HOUR = 240
# The browser's own property cannot be set from outside: a hidden tab is one that says so, and tells the page.
HIDE = """Object.defineProperty(document, 'hidden', {get: () => true});
document.dispatchEvent(new Event('visibilitychange'))"""


class Hour:
    """The requests of *page* during an hour of the browser's clock, which runs as fast as answers come."""

    def __init__(self, page: Any) -> None:
        self.page, self.asked, self.statuses = page, 0, set[int]()
        page.on("request", lambda request: self._count(request))
        page.on("response", lambda response: self.statuses.add(response.status))

    def _count(self, request: Any) -> None:
        self.asked += 1

    async def passes(self, seconds: int = 3600) -> int:
        self.asked = 0
        self.statuses.clear()
        for _ in range(seconds // 5):
            await self.page.clock.run_for(5_000)
            await self.page.evaluate("0")  # A round trip, so that an answer has come before time goes on.
        return self.asked


async def test_an_open_page_asks_seldom_and_a_hidden_one_never(app: ConsoleApp, page: Any) -> None:
    hour = Hour(page)
    await waiting(app)
    await page.clock.install()
    await page.goto(f"{app.host.url}/console/promotions")
    await is_fresh(page)
    open_page = await hour.passes()
    statuses = hour.statuses.copy()
    await page.evaluate(HIDE)
    hidden_page = await hour.passes()

    assert 100 < open_page <= MOST_AN_HOUR
    assert hidden_page == 0
    assert statuses == {304}, "what has not changed is not sent again"
