"""What axe-core finds on a page, in both schemes, wide and narrow: WCAG 2.2 A and AA, and what is good practice.

It finds about half of what can be wrong; that every story works by keyboard alone is in the stories.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from triggers.console.page import Page
from triggers.console.serving import destination_of

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
WAYS = (("light", 1280), ("dark", 320))
_OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # The only rule of WCAG 2.2, which axe leaves out unless it is asked for.
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
_LINKS = "[...document.querySelectorAll('a[href], iframe[src]')].map(element => element.href ?? element.src)"
# A colour that is on its way from one scheme to the other has the contrast of neither.
_SETTLED = "Promise.all(document.getAnimations().map(animation => animation.finished))"
Findings = dict[str, list[str]]


async def faults_of(page: Any) -> list[str]:
    """What is wrong with the page as it is now, with the first element of each."""
    faults = list[str]()
    await page.evaluate(AXE.read_text())  # Through the browser's own door: the page's policy has no say there.
    for scheme, width in WAYS:
        await page.set_viewport_size({"width": width, "height": 800})
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate(_SETTLED)
        report = await page.evaluate("options => axe.run(document, options)", _OPTIONS)
        for violation in report["violations"]:
            faults.append(f"{scheme} {width} {violation['id']}: {violation['nodes'][0]['html'][:200]}")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.emulate_media(color_scheme="light")
    return faults


def row_of(url: str) -> Page | None:
    """The row of the table of pages that *url* leads to."""
    path = urlsplit(url).path
    if not path.startswith("/console/"):
        return None
    place = destination_of(path.removeprefix("/console/"), is_safe=True)
    return None if place is None else place.page


class Examination:
    """Opens pages of the app at *url*, and whatever their links lead to: one of each kind, as the table has them.

    Two addresses are of one kind where they have the same row of the table, and the same names in their query.
    """

    def __init__(self, page: Any, url: str) -> None:
        self._page, self._url = page, url
        self._kinds = set[tuple[str, ...]]()
        self.findings: Findings = {}

    @property
    def paths(self) -> set[str]:
        """The rows of the table that were examined."""
        return {kind[0] for kind in self._kinds}

    async def follow(self, *paths: str) -> None:
        """Examine *paths*, below `/console/`, then what they lead to that is of another kind."""
        addresses = [f"{self._url}/console/{path}" for path in paths]
        addresses = await self._open(addresses, is_asked=True)
        while addresses:
            addresses = await self._open(addresses, is_asked=False)

    async def _open(self, addresses: list[str], *, is_asked: bool) -> list[str]:
        """Where the pages at *addresses* lead to. What nobody asked for is examined once for its kind."""
        further = list[str]()
        for address in addresses:
            kind = self._kind(address)
            if not is_asked and (kind is None or kind in self._kinds):
                continue
            if kind is not None:
                self._kinds.add(kind)
            further += await self._examined(address)
        return further

    def _kind(self, address: str) -> tuple[str, ...] | None:
        row = row_of(address)
        names = sorted({name for name, _ in parse_qsl(urlsplit(address).query)})
        return None if row is None else (row.path, *names)

    async def _examined(self, address: str) -> list[str]:
        response = await self._page.goto(address)
        links = await self._page.evaluate(_LINKS)
        if "sandbox" in response.headers.get("content-security-policy", ""):
            # No script runs in a framed document, axe neither: it is examined by itself, outside its frame.
            text = await response.text()
            await self._page.goto("about:blank")
            await self._page.set_content(text)
            links = []
        self.note(address.removeprefix(self._url), await faults_of(self._page))
        return [link for link in links if link.startswith(self._url)]

    def note(self, name: str, faults: list[str]) -> None:
        if faults:
            self.findings[name] = faults
