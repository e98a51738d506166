"""The console on the real host: people sign in by a directory of the test, and promotions are really carried."""

import html
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from shared.adapters.hub_files.data_checks import HubDataChecks
from shared.adapters.sealed_texts import KeyedSealer
from shared.config import load
from shared.domain.configuration import Configuration
from tests.fakes.sign_in import CodesOfPeople
from tests.promotion.conftest import CONFIGURATION, PEOPLE, PromotionApp, running
from tests.rollout import conftest as rollouts
from tests.rollout.conftest import POLICY, RolloutApp, RolloutStep

KEY = "k" * 40
OWN = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Answer:
    """A page as a browser gets it."""

    status: int
    headers: "aiohttp.typedefs.LooseHeaders"
    text: str

    @property
    def location(self) -> str:
        return str(self.headers.get("Location", ""))  # type: ignore[union-attr]

    def form(self, action: str) -> dict[str, str]:
        """The hidden fields of the form that is sent to *action*."""
        match = re.search(rf'<form[^>]*action="[^"]*/{action}"[^>]*>(.*?)</form>', self.text, re.DOTALL)
        assert match, f"there is no form {action} on the page"
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', match[1])
        return {name: html.unescape(value) for name, value in fields}


@dataclass
class Browser:
    """One person's cookies. It follows no redirect."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, data: dict[str, str] | None = None, **headers: str) -> Answer:
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                method,
                f"{self.url}{path}",
                data=data,
                headers={**({"Cookie": jar} if jar else {}), **headers},
                allow_redirects=False,
            ) as answer,
        ):
            for cookie in answer.headers.getall("Set-Cookie", ()):
                name, _, rest = cookie.partition("=")
                value = rest.partition(";")[0]
                attributes = set(cookie.lower().split("; "))  # The host writes them small; they have no case.
                assert {"path=/", "secure", "httponly", "samesite=lax"} <= attributes, cookie
                if value:
                    self.cookies[name] = value
                else:
                    self.cookies.pop(name, None)
            return Answer(answer.status, answer.headers, await answer.text())

    async def get(self, path: str = "", **headers: str) -> Answer:
        return await self.ask("GET", f"/console/{path}", **headers)

    async def send(self, path: str, data: dict[str, str], **headers: str) -> Answer:
        return await self.ask("POST", f"/console/{path}", data, **(headers or OWN))

    async def sign_in(self, who: str, to: str = "/console/") -> Answer:
        """To the directory and back, as *who*."""
        begun = await self.ask("GET", f"/console/sign-in?to={to}")
        assert begun.status == 303, begun.text
        state = parse_qs(urlsplit(begun.location).query)["state"][0]
        return await self.get(f"signed-in?code={who}&state={state}")


@dataclass
class ConsoleApp(PromotionApp):
    """The app with its console."""

    def browser(self) -> Browser:
        return Browser(url=self.host.url)

    async def signed_in(self, who: str) -> Browser:
        browser = self.browser()
        assert (await browser.sign_in(who)).status == 303
        return browser


@dataclass
class ReleaseConsole(RolloutApp, ConsoleApp):
    """The app with its console, and with a production stage."""


@asynccontextmanager
async def releasing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, after: Sequence[RolloutStep], sign_in: Callable[..., Any]
) -> AsyncIterator[ReleaseConsole]:
    """The app in which the steps *after* were taken; *sign_in* makes the directory of the app."""
    async for made in rollouts.running(POLICY, folder, monkeypatch, after=after):
        console = ReleaseConsole(host=made.host, clients=made.clients, cloud=made.cloud)
        settings = SimpleNamespace(console_url=f"{made.host.url}/console")
        vars(made.clients).update(settings=settings, sealer=KeyedSealer([KEY]), sign_in=sign_in(console))
        yield console


def of_people(app: ConsoleApp) -> CodesOfPeople:
    return CodesOfPeople(PEOPLE, app.clients.clock.now)


def with_console(made: PromotionApp) -> ConsoleApp:
    """*made* with a console, whose directory signs in whom the code names."""
    console = ConsoleApp(host=made.host, clients=made.clients, cloud=made.cloud)
    settings = SimpleNamespace(console_url=f"{made.host.url}/console")
    vars(made.clients).update(settings=settings, sealer=KeyedSealer([KEY]), sign_in=of_people(console))
    return console


@asynccontextmanager
async def console_of(
    configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ConsoleApp]:
    """The app with its console and *configuration*."""
    async with running(configuration, tmp_path, monkeypatch) as made:
        yield with_console(made)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    async with console_of(CONFIGURATION, tmp_path, monkeypatch) as console:
        yield console


@pytest.fixture
async def shipped_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConsoleApp]:
    """The console of the example's configuration, whose model is retrained, watched and scheduled."""
    async with console_of(load(Path("signalbox.yaml")), tmp_path, monkeypatch) as console:
        vars(console.clients).update(data_checks=HubDataChecks(console.clients.hub, Path()))
        yield console
