"""axe-core finds nothing on any page of the console in any state: with much and with nothing, asked, refused, resumed.

What is examined follows from the table of pages and from their links: a new page is found by itself, and the last test
names a row of the table that none of the others has met.
"""

import json
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from tests.browser.conftest import sign_in_as
from tests.browser.examination import Examination, faults_of
from tests.browser.test_releases import third_is_shifting
from tests.browser.test_stories import waiting
from tests.console import test_audit_pages, test_retraining_pages, test_search
from tests.console.conftest import ConsoleApp, ReleaseConsole
from tests.hosted import HostedApp
from tests.http_api.test_dlq import letter
from tests.inference.conftest import InferenceApp
from tests.inference.test_quarantine import BAD
from tests.promotion.test_glass import broken_glass
from triggers.console.pages import PAGES

pytestmark = [pytest.mark.xdist_group("console axe"), pytest.mark.proof]
LISTS = [page.path for page in PAGES if "{" not in page.path]
MET = dict[str, set[str]]()  # The rows of the table that each test has met.
WORLDS = 8
FINDING = {"rule": "max", "column": "x", "count": 1, "examples": [{"file": "a.csv", "row": 1, "value": "<b>9</b>"}]}
REPORT = {"outcome": "failed", "rows": 1, "summary": ["max: x is above it"], "findings": [FINDING]}


async def examined(name: str, page: Any, app: HostedApp, *paths: str) -> Examination:
    examination = Examination(page, app.host.url)
    await examination.follow(*paths)
    MET[name] = examination.paths
    return examination


async def test_pages_of_releases(page: Any, replaced: ReleaseConsole) -> None:
    promotion = await third_is_shifting(replaced)
    await replaced.pass_time(minutes=40)  # A step ends, which leaves a page of its own.
    model = "models/churn"
    pages = ("comparison?first=1&second=2", "rollback", "revocation?version=2", "hold?version=2", "rehearsal")
    paths = (f"rollouts/{promotion}", f"promotions/{promotion}", model, *(f"{model}/{path}" for path in pages))

    examination = await examined("releases", page, replaced, *paths)

    assert "rollouts/{promotion}/page" in examination.paths
    assert examination.findings == {}


async def test_pages_that_ask_for_a_decision(page: Any, app: ConsoleApp) -> None:
    promotion = await waiting(app)

    assert (await examined("asked", page, app, f"promotions/{promotion}", "", "signed-out")).findings == {}


async def test_pages_on_which_gates_are_overridden(page: Any, app: ConsoleApp) -> None:
    promotion, _ = await broken_glass(app)
    sign_in_as(app, "linus")
    examination = await examined("glass", page, app, f"promotions/{promotion}")
    await page.goto(f"{app.host.url}/console/promotions/{promotion}")
    await page.get_by_text("Break the glass", exact=True).click()
    examination.note("opened", await faults_of(page))

    assert examination.findings == {}


async def test_pages_of_files(page: Any, files: InferenceApp) -> None:
    run = await files.arrive("landing/each/north/a.csv", BAD)
    scored = await files.arrive("landing/each/north/b.csv")
    letter(files, "c")
    await files.finish(scored)
    files.hub.land(f"signalbox/runs/{run}/data.json", json.dumps(REPORT).encode())
    attempt, sorted_runs = f"runs/{scored}/attempt", "runs?sort=file&file=landing"
    paths = (f"runs/{run}", f"runs/{scored}", attempt, sorted_runs, "runs/together?what=release", "dead-letters", "")

    examination = await examined("files", page, files, *paths)
    await page.goto(f"{files.host.url}/console/runs/{run}")
    await page.get_by_text("The values that broke them").click()
    examination.note("values opened", await faults_of(page))

    assert {"runs/{run}/attempt", "runs/{run}"} <= examination.paths
    assert examination.findings == {}


async def test_pages_with_everything_on_record(page: Any, shipped: ConsoleApp) -> None:
    test_retraining_pages.fill(shipped)
    test_search.fill(shipped)
    test_audit_pages.fill(shipped)
    await shipped.sweep()
    examination = await examined("full", page, shipped, *LISTS, "search?q=each", "search?q=no+such+thing")

    assert examination.findings == {}


async def test_pages_with_nothing_on_record(page: Any, shipped: ConsoleApp) -> None:
    assert (await examined("empty", page, shipped, *LISTS, "drift/diabetes-progression")).findings == {}


async def test_pages_that_say_what_is_wrong(page: Any, app: ConsoleApp) -> None:
    promotion, examination = await waiting(app), Examination(page, app.host.url)
    url = f"{app.host.url}/console"

    async def state(name: str, reached: Awaitable[Any]) -> None:
        await reached
        examination.note(name, await faults_of(page))

    await state("no such page", page.goto(f"{url}/nothing"))
    await state("no such promotion", page.goto(f"{url}/promotions/none"))
    await state("a sign-in that nobody has begun", page.goto(f"{url}/signed-in?code=grace&state=x"))
    await page.goto(f"{url}/promotions/{promotion}")
    await page.evaluate("document.querySelector('[data-evidence]').dataset.evidence = 'sha256:older'")
    await page.get_by_label("Reason").fill("seen")
    await page.get_by_role("button", name="Approve").click()
    await state("other evidence", page.get_by_text("The evidence has changed since").wait_for())
    await page.reload()
    await page.evaluate("document.querySelector('form[action$=approve] [name=token]').value = 'forged'")
    await page.get_by_label("Reason").fill("seen")
    await page.get_by_role("button", name="Approve").click()
    await state("a refused form", page.get_by_role("alert").filter(has_text="the form is too old").wait_for())
    await page.goto(f"{url}/promotions/{promotion}")
    await page.get_by_label("Reason").fill("seen")
    await page.get_by_role("button", name="Approve").click()
    await state("a decision that was taken", page.get_by_text("You have approved it.").wait_for())
    MET["wrong"] = set()

    assert examination.findings == {}


async def test_a_decision_that_comes_back_from_a_fresh_sign_in(page: Any, careful: ConsoleApp) -> None:
    promotion = await waiting(careful)
    await page.goto(f"{careful.host.url}/console/promotions/{promotion}")
    await careful.pass_time(timedelta(minutes=11))
    await page.get_by_label("Reason").fill("seen")
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_text("nothing has been sent yet").wait_for()
    MET["resumed"] = set()

    assert await faults_of(page) == []


def test_every_row_of_the_table_was_examined() -> None:
    if len(MET) < WORLDS:
        pytest.skip("the tests before have not all run here")

    assert {page.path for page in PAGES} - set().union(*MET.values()) == set()
