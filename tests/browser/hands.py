"""Both ways in which people use a page: by keyboard alone, and by mouse. A story is told once and played with each."""

import re
from dataclasses import dataclass
from typing import Any

BY = ("keyboard", "mouse")
_FARTHEST = 150  # More presses of Tab than any page of the stories has places.
_FOCUSED = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"


@dataclass
class Hands:
    """The person who uses *page* by *by*, one of `BY`."""

    page: Any
    by: str

    async def press(self, words: str) -> None:
        """Press the link, the button or the summary that begins with *words*."""
        if self.by == "keyboard":
            await self._tab_to(words)
            await self.page.keyboard.press("Enter")
        else:
            begins = re.compile(rf"^\s*{re.escape(words)}")
            await self.page.locator("a:visible, button:visible, summary:visible", has_text=begins).first.click()

    async def write(self, label: str, text: str) -> None:
        """Type *text* into the field that *label* names."""
        if self.by == "keyboard":
            await self._tab_to(label)
        else:
            await self.page.get_by_label(label).first.click()
        await self.page.keyboard.type(text)

    async def _tab_to(self, words: str) -> None:
        """Tab until what has the focus begins with *words*, or is labelled so."""
        for _ in range(_FARTHEST):
            if (await self.page.evaluate(_FOCUSED)).startswith(words):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {words!r}")


async def look_again(page: Any) -> None:
    """As on the return to the tab: the page asks whether it has changed."""
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


async def is_fresh(page: Any) -> None:
    """Wait until the page has asked once: from then on it knows what has changed."""
    # By a locator: a function to wait for would be evaluated from text, which the page's policy forbids.
    await page.locator("#freshness", has_text=re.compile("^As of")).wait_for(state="attached")
