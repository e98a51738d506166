"""Chromium of the system at the console of a hosted app. Without it, or without Playwright, the stories are skipped.

`make test` plays one story; all others have the marker `proof`, and `make browser` plays them.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.adapters.hub_files.data_checks import HubDataChecks
from shared.adapters.sealed_texts import KeyedSealer
from shared.config import load
from shared.domain.configuration import Configuration
from shared.domain.promotion.approvals import Person
from shared.ports import SignedIn, SignInRequest
from signalbox.host.clock import VirtualClock
from tests.console.conftest import KEY, ConsoleApp, ReleaseConsole, console_of, releasing
from tests.console.test_decisions import fresh
from tests.fakes.ports import FakeClients
from tests.hosted import HostedApp, hosted
from tests.inference import conftest as inference
from tests.inference.conftest import InferenceApp
from tests.promotion.conftest import CONFIGURATION, PEOPLE
from tests.rollout.conftest import release_first, release_second
from website.chromium import chromium

CHROMIUM = chromium()
INSISTS = bool(os.environ.get("SIGNALBOX_BROWSER"))  # `make browser`: what is missing fails.
PATIENCE_MS = 120_000  # Tests of a whole machine run beside these.

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


def sign_in_as(app: HostedApp, who: str) -> None:
    """From now on the directory signs in *who*."""
    settings = SimpleNamespace(console_url=f"{app.host.url}/console")
    vars(app.clients).update(settings=settings, sealer=KeyedSealer([KEY]), sign_in=DirectoryOfOne(app, who))


@asynccontextmanager
async def browsed(
    configuration: Configuration, folder: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> AsyncIterator[ConsoleApp]:
    """The app with its console and *configuration*, to which *who* signs in."""
    async with console_of(configuration, folder, monkeypatch) as console:
        sign_in_as(console, who)
        yield console


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    async with browsed(CONFIGURATION, tmp_path, monkeypatch, "grace") as console:
        yield console


@pytest.fixture
async def careful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    """Its decisions ask for a fresh sign-in."""
    async with browsed(fresh(600), tmp_path, monkeypatch, "grace") as console:
        yield console


@pytest.fixture
async def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    """The example's configuration, whose model is retrained, watched and scheduled; who signs in has every role."""
    async with browsed(load(Path("signalbox.yaml")), tmp_path, monkeypatch, "both") as console:
        vars(console.clients).update(data_checks=HubDataChecks(console.clients.hub, Path()))
        yield console


@pytest.fixture
async def replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReleaseConsole]:
    """Version 2 is in production, and version 1 is kept warm; linus signs in."""
    async with releasing(tmp_path, monkeypatch, (release_first, release_second), DirectoryOfOne) as console:
        sign_in_as(console, "linus")
        yield console


@pytest.fixture
async def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InferenceApp]:
    """The app that scores files; olga signs in, who owns the data and operates the app."""
    clock = VirtualClock()
    clients = FakeClients(inference.CONFIGURATION, clock.now)
    async with hosted(clients, clock, tmp_path, monkeypatch) as host:
        made = InferenceApp(host=host, clients=clients)
        sign_in_as(made, "olga")
        yield made


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    """A page whose every complaint fails the test: the policy's violations are among them."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        if INSISTS:
            raise
        pytest.skip("Playwright is not installed: `make test` installs it where there is a Chromium")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine: on Debian `apt-get install chromium`")
    complaints = list[str]()
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(timezone_id="Europe/Berlin", locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        shown = await context.new_page()
        shown.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        yield shown
        await browser.close()
    # What the server refuses is no fault of the page: Chromium names each such answer on its console.
    assert [line for line in complaints if "Failed to load resource" not in line] == []
