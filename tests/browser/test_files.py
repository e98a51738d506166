"""What the owner of data and who operates the app do at the console: release a file, replay a dead letter."""

from typing import Any

import pytest

from tests.browser.conftest import tab_to
from tests.http_api.test_dlq import letter
from tests.inference.conftest import InferenceApp
from tests.inference.test_quarantine import BAD

pytestmark = pytest.mark.xdist_group("console files")


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
async def test_a_data_owner_releases_a_quarantined_file(files: InferenceApp, page: Any, by: str) -> None:
    run = await files.arrive("landing/each/north/a.csv", BAD)
    await files.host.settle()
    await page.goto(f"{files.host.url}/console/")
    if by == "keyboard":
        await tab_to(page, "Release data")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/runs/{run}")
        await tab_to(page, "Why it may go on")
        await page.keyboard.type("known outlier")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
    else:
        await page.get_by_role("link", name="Release data").click()
        await page.get_by_label("Why it may go on").fill("known outlier")
        await page.get_by_role("button", name="Release the data").click()
    await page.wait_for_url("**done=release")
    result = await files.finish(run)

    assert result.outcome.value == "completed"
    assert b"known outlier" in (files.hub.read("signalbox", f"runs/{run}/orders/release.json") or b"")


@pytest.mark.parametrize("by", ["keyboard", "mouse"])
async def test_an_engineer_replays_a_dead_letter_once(files: InferenceApp, page: Any, by: str) -> None:
    letter(files, "a")
    await page.goto(f"{files.host.url}/console/dead-letters")
    if by == "keyboard":
        await tab_to(page, "Replay")
        await page.keyboard.press("Enter")
    else:
        await page.get_by_role("button", name="Replay").click()
    await page.get_by_role("status").filter(has_text="The letter was taken in again.").wait_for()
    await files.pass_time(seconds=60)

    assert len(files.jobs.created) == 1
