"""What the owner of data and who operates the app do at the console: release a file, replay a dead letter."""

from typing import Any

import pytest

from tests.browser.hands import BY, Hands
from tests.http_api.test_dlq import letter
from tests.inference.conftest import InferenceApp
from tests.inference.test_quarantine import BAD

pytestmark = [pytest.mark.xdist_group("console files"), pytest.mark.proof]


@pytest.mark.parametrize("by", BY)
async def test_a_data_owner_releases_a_quarantined_file(files: InferenceApp, page: Any, by: str) -> None:
    run, hands = await files.arrive("landing/each/north/a.csv", BAD), Hands(page, by)
    await files.host.settle()
    await page.goto(f"{files.host.url}/console/")
    await hands.press("Release data")
    await page.wait_for_url(f"**/runs/{run}")
    await hands.write("Why it may go on", "known outlier")
    await hands.press("Release the data")
    await page.wait_for_url("**done=release")
    result = await files.finish(run)

    assert result.outcome.value == "completed"
    assert b"known outlier" in (files.hub.read("signalbox", f"runs/{run}/orders/release.json") or b"")


@pytest.mark.parametrize("by", BY)
async def test_an_engineer_replays_a_dead_letter_once(files: InferenceApp, page: Any, by: str) -> None:
    letter(files, "a")
    hands = Hands(page, by)
    await page.goto(f"{files.host.url}/console/dead-letters")
    await hands.press("MaxDeliveryAttemptsExceeded")
    await page.get_by_text("would start a run of route each").wait_for()
    assert files.jobs.created == {}
    await hands.press("Replay it")
    await page.get_by_role("status").filter(has_text="The letter was taken in again.").wait_for()
    await files.pass_time(seconds=60)

    assert len(files.jobs.created) == 1
