"""`python -m website.screenshots`: the pictures of docs/console.md, taken of the console in what a demo has left.

It needs what `make demo` leaves in this folder, a Chromium, and Playwright; `make screenshots` sees to the last. The
local cloud is started for it and stopped again; every person signs in as people do, by choosing themselves.
"""

import asyncio
import base64
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from website.chromium import chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "docs" / "pictures" / "console"
_DEMO = Path(".signalbox") / "demo" / "endpoints.json"
_WIDTH, _HEIGHT = 1120, 720
_WEBP = {"format": "webp", "quality": 75}  # The text stays sharp, at a third of the size of a PNG.
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The page that *person* sees at *path* of the console, behind its link *link*, and behind *then* on that page."""

    name: str
    path: str
    person: str = "Grace"
    link: str = ""
    then: str = ""
    scheme: str = "light"


PICTURES = (
    Picture(name="for-me", path=""),
    Picture(name="promotions", path="promotions"),
    Picture(name="promotion", path="promotions", link="diabetes-progression:3"),
    Picture(name="promotion-dark", path="promotions", link="diabetes-progression:4", scheme="dark"),
    Picture(name="rollouts", path="rollouts", person="Linus"),
    Picture(name="models", path="models", person="Ada"),
    Picture(name="model", path="models", person="Ada", link="diabetes-progression"),
    Picture(name="runs", path="runs", person="Owner"),
    Picture(name="run", path="runs", person="Owner", link="diabetes-each"),
    Picture(name="attempt", path="runs", person="Linus", link="diabetes-each", then="With other settings"),
    Picture(name="rehearsal", path="models", person="Linus", link="diabetes-progression", then="Rehearse"),
    Picture(name="retraining", path="retraining", person="Ada"),
    Picture(name="schedules", path="schedules", person="Linus"),
    Picture(name="dead-letters", path="dead-letters", person="Linus"),
    Picture(name="doctor", path="doctor", person="Barbara"),
    Picture(name="imports", path="imports", person="Ada"),
    Picture(name="datasets", path="datasets", person="Ada"),
    Picture(name="data-contracts", path="data-contracts", person="Ada"),
    Picture(name="audit", path="audit", person="Barbara"),
    Picture(name="configuration", path="configuration", person="Barbara"),
)


@contextmanager
def demonstration() -> Iterator[str]:
    """The address of the console of `signalbox up --demo`, while it runs."""
    if not (PROJECT / _DEMO).is_file():
        raise SystemExit("nothing is there to take pictures of: run `make demo` first")
    port = json.loads((PROJECT / _DEMO).read_text())["host"]
    console = f"http://127.0.0.1:{port}/console/"
    command = [sys.executable, "-m", "signalbox.cli", "up", "--demo"]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        _await(process, console)
        yield console
    finally:
        process.terminate()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", console: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{console}signed-out", timeout=10).close()
        except (OSError, urllib.error.URLError):
            continue
        return
    raise SystemExit("`signalbox up --demo` has not started; what it says is above")


async def take(console: str, pictures: tuple[Picture, ...]) -> None:
    """Take *pictures* of the console at the address *console*; each person signs in once."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for person in dict.fromkeys(picture.person for picture in pictures):
            page = await signed_in(browser, console, person)
            for picture in pictures:
                if picture.person == person:
                    await _take(page, console, picture)
            await page.context.close()
        await browser.close()


async def signed_in(browser: "Browser", console: str, person: str) -> "Page":
    """A page of a browser without a past, in which *person* has been chosen at the local directory."""
    context = await browser.new_context(
        viewport={"width": _WIDTH, "height": _HEIGHT}, timezone_id="Europe/Paris", locale="en-GB"
    )
    context.set_default_timeout(_PATIENCE_S * 1000)
    page = await context.new_page()
    await page.goto(console)
    await page.locator("a, button", has_text=re.compile(rf"^\s*{person}\b")).click()
    await page.wait_for_url(f"{console}**")
    return page


async def _take(page: "Page", console: str, picture: Picture) -> None:
    await page.emulate_media(color_scheme="dark" if picture.scheme == "dark" else "light")
    await page.goto(f"{console}{picture.path}")
    if picture.link:
        await page.locator("main a", has_text=picture.link).first.click()
        await page.wait_for_url(f"{console}{picture.path}/**")
    if picture.then:
        before = page.url
        await page.locator("main a", has_text=picture.then).first.click()
        await page.wait_for_url(lambda url: url != before)
    await page.wait_for_load_state("networkidle")
    await page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished))")
    devtools = await page.context.new_cdp_session(page)  # Playwright itself writes PNG and JPEG alone.
    taken = await devtools.send("Page.captureScreenshot", _WEBP)
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / f"{picture.name}.webp"
    target.write_bytes(base64.b64decode(taken["data"]))
    print(f"{target.relative_to(PROJECT)}: {target.stat().st_size / 1000:.0f} KB, as {picture.person} sees it")


if __name__ == "__main__":
    with demonstration() as address:
        asyncio.run(take(address, PICTURES))
