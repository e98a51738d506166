"""axe-core finds nothing on any page of the console, in either scheme, wide and narrow: WCAG 2.2 A and AA.

It finds about half of what can be wrong; that every story works by keyboard alone is in the stories.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import INSISTS
from tests.browser.test_releases import third_is_shifting
from tests.console.conftest import ConsoleApp, ReleaseConsole
from tests.http_api.test_dlq import letter
from tests.inference.conftest import InferenceApp
from tests.inference.test_quarantine import BAD
from tests.promotion.test_glass import broken_glass
from triggers.console.pages import PAGES

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
WAYS = [("light", 1280), ("dark", 320)]
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # The only rule of WCAG 2.2, which axe leaves out unless it is asked for.
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
MODEL = "models/churn"
LISTS = [page.path for page in PAGES if "{" not in page.path]
SUBJECTS = ["promotions/{promotion}", "rollouts/{promotion}"]
RELEASES = [
    MODEL,
    f"{MODEL}/comparison?first=1&second=2",
    f"{MODEL}/rollback",
    f"{MODEL}/revocation?version=2",
]
pytestmark = pytest.mark.xdist_group("console axe")


async def violations(page: Any, address: str) -> list[str]:
    """What axe finds on the page at *address*, with the first element of each."""
    await page.goto(address)
    await page.get_by_role("heading", level=1).first.wait_for()
    await page.evaluate(AXE.read_text())  # Through the browser's own door: the page's policy has no say there.
    report = await page.evaluate("options => axe.run(document, options)", OPTIONS)
    return [f"{found['id']}: {found['nodes'][0]['html'][:200]}" for found in report["violations"]]


async def examine(page: Any, url: str, paths: list[str], ways: list[tuple[str, int]] = WAYS) -> dict[str, list[str]]:
    findings = dict[str, list[str]]()
    for scheme, width in ways:
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme=scheme)
        for path in paths:
            if found := await violations(page, f"{url}/console/{path}"):
                findings[f"{path} {scheme} {width}"] = found
    return findings


async def test_no_page_of_releases_has_a_fault(page: Any, replaced: ReleaseConsole) -> None:
    promotion = await third_is_shifting(replaced)
    paths = [*LISTS, *(path.format(promotion=promotion) for path in SUBJECTS), *RELEASES, "promotions/none"]

    assert await examine(page, replaced.host.url, paths, WAYS if INSISTS else WAYS[:1]) == {}


async def test_no_page_on_which_people_approve_has_a_fault(page: Any, app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", reason="half the error")
    await app.evidence(promotion)

    assert await examine(page, app.host.url, ["", f"promotions/{promotion}", "signed-out"]) == {}


async def test_no_page_on_which_people_override_has_a_fault(page: Any, app: ConsoleApp) -> None:
    promotion, _ = await broken_glass(app)
    app.clients.sign_in.who = "linus"  # type: ignore[attr-defined]

    assert await examine(page, app.host.url, ["", f"promotions/{promotion}"]) == {}


async def test_no_page_of_files_has_a_fault(page: Any, files: InferenceApp) -> None:
    run = await files.arrive("landing/each/north/a.csv", BAD)
    letter(files, "b")
    await files.host.settle()

    assert await examine(page, files.host.url, ["", "runs", f"runs/{run}", "dead-letters", "me"]) == {}
