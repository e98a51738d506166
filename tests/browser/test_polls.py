"""How often an open page asks: 240 times an hour at most, never while it is hidden, and every 3 seconds where the app
is at work on what it shows."""

import asyncio
from typing import Any

import pytest

from shared.records.lists.rows import RUNS, keep_listed
from tests.browser.conftest import sign_in_as
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
        self.page, self.asked, self.under_way, self.statuses = page, 0, 0, set[int]()
        page.on("request", lambda request: self._count(1))
        page.on("requestfinished", lambda request: self._count(-1))
        page.on("requestfailed", lambda request: self._count(-1))
        page.on("response", lambda response: self.statuses.add(response.status))

    def _count(self, change: int) -> None:
        self.under_way += change
        self.asked += max(0, change)

    async def passes(self, seconds: int = 3600, step: int = 5) -> int:
        """How often it has asked in *seconds*, which pass by *step*: an answer takes the rest of a step."""
        self.asked = 0
        self.statuses.clear()
        for _ in range(seconds // step):
            await self.page.clock.run_for(1000 * step)
            await asyncio.sleep(0.02)  # The driver tells of a request after the page has begun it.
            while self.under_way:
                await asyncio.sleep(0.005)
            await self.page.evaluate("0")  # A round trip, so that the page has taken the answer before time goes on.
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

    assert 60 < open_page <= MOST_AN_HOUR // 2
    assert hidden_page == 0
    assert statuses == {304}, "what has not changed is not sent again"


async def test_who_only_watches_what_moves_sees_its_end_within_3_seconds(app: ConsoleApp, page: Any) -> None:
    hour, hub, state = Hour(page), app.clients.hub, app.clients.configuration.hub.state
    row = {"route": "visits", "opened": app.clients.clock.now().isoformat(), "outcome": ""}
    keep_listed(hub, state, RUNS, "visits-1-1", row)
    sign_in_as(app, "linus")
    await page.clock.install(time=0)
    await page.goto(f"{app.host.url}/console/runs")
    await is_fresh(page)
    await page.clock.pause_at(3_600_000)  # A busy machine's answers take none of the page's time from now on.
    watched = await hour.passes(300, step=3)
    keep_listed(hub, state, RUNS, "visits-1-1", row | {"outcome": "completed"})
    await page.clock.run_for(3_000)
    await page.locator("tbody .badge", has_text="completed").wait_for()
    later = [await hour.passes(300, step=3) for _ in range(3)]

    assert watched >= 99, "though nobody has touched it since it was opened"
    assert later[-1] <= 21, "what has ended is asked for every 15 seconds"
