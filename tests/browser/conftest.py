"""Chromium of the system at the console of a hosted app. Without it, or without Playwright, the stories are skipped."""

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.adapters.sealed_texts import KeyedSealer
from shared.domain.promotion.approvals import Person
from shared.ports import SignedIn, SignInRequest
from signalbox.host.clock import VirtualClock
from tests.console.conftest import KEY, ConsoleApp, ReleaseConsole, releasing
from tests.fakes.ports import FakeClients
from tests.hosted import HostedApp, hosted
from tests.inference import conftest as inference
from tests.inference.conftest import InferenceApp
from tests.promotion.conftest import CONFIGURATION, PEOPLE, running
from tests.rollout.conftest import release_first, release_second

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
INSISTS = bool(os.environ.get("SIGNALBOX_BROWSER"))  # `make browser`: what is missing fails.


OLGA = Person(oid="5", name="olga", roles=("DataOwner", "PlatformEngineer"))


class DirectoryOfOne:
    """Signs in the person *who* at once, without a page of its own."""

    def __init__(self, app: HostedApp, who: str = "grace") -> None:
        self._app, self.who = app, who

    def address(self, request: SignInRequest, redirect: str, hint: str = "", fresh: bool = False) -> str:
        return f"{redirect}?code={self.who}&state={request.state}"

    def redeem(self, request: SignInRequest, redirect: str, code: str) -> SignedIn:
        return SignedIn(person=replace((PEOPLE | {"olga": OLGA})[code], authenticated_at=self._app.clients.clock.now()))

    def sign_out_address(self, back: str) -> str:
        return back


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    async with running(CONFIGURATION, tmp_path, monkeypatch) as made:
        console = ConsoleApp(host=made.host, clients=made.clients, cloud=made.cloud)
        settings = SimpleNamespace(console_url=f"{made.host.url}/console")
        vars(made.clients).update(settings=settings, sealer=KeyedSealer([KEY]), sign_in=DirectoryOfOne(console))
        yield console


@pytest.fixture
async def replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReleaseConsole]:
    """Version 2 is in production, and version 1 is kept warm; linus signs in."""
    async with releasing(tmp_path, monkeypatch, (release_first, release_second), DirectoryOfOne) as console:
        console.clients.sign_in.who = "linus"  # type: ignore[attr-defined]
        yield console


@pytest.fixture
async def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceApp]:
    """The app that scores files; olga signs in, who owns the data and operates the app."""
    clock = VirtualClock()
    clients = FakeClients(inference.CONFIGURATION, clock.now)
    async with hosted(clients, clock, tmp_path, monkeypatch) as host:
        made = InferenceApp(host=host, clients=clients)
        settings = SimpleNamespace(console_url=f"{host.url}/console")
        vars(clients).update(settings=settings, sealer=KeyedSealer([KEY]), sign_in=DirectoryOfOne(made, "olga"))
        yield made


async def tab_to(page: Any, words: str) -> None:
    """Tab until what has the focus says *words*, or is labelled so."""
    said = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
    for _ in range(60):
        if (await page.evaluate(said)).startswith(words):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {words!r}")


async def look_again(page: Any) -> None:
    """As on the return to the tab: the page asks whether it has changed."""
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    """A page whose every complaint fails the test: the policy's violations are among them."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        if INSISTS:
            raise
        pytest.skip("Playwright is not installed: `make browser` installs it")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    complaints = list[str]()
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(timezone_id="Europe/Berlin", locale="en-GB")
        shown = await context.new_page()
        shown.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        yield shown
        await browser.close()
    # What the server refuses is no fault of the page: Chromium names each such answer on its console.
    assert [line for line in complaints if "Failed to load resource" not in line] == []
