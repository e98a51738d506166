"""The console below a path of another host: a real reverse proxy, which takes the path away, stands before the app."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession, DummyCookieJar, web

from shared.settings import _problem
from tests.console.conftest import Answer, Browser, ConsoleApp
from triggers.console.own_addresses import base_of, below
from triggers.console.rendering import html_response

BASE = "/ml/signalbox"
ADDRESS = re.compile(r'\s(?:href|src|action)="(/[^"]*)"')


@asynccontextmanager
async def proxied(app: ConsoleApp) -> AsyncIterator[str]:
    """The address of a proxy that hands on what is below BASE, and knows nothing else."""

    async def hand_on(request: web.Request) -> web.Response:
        async with (
            ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=False) as session,
            session.request(
                request.method,
                f"{app.host.url}/{request.match_info['rest']}",
                params=request.query,
                data=await request.read(),
                headers={name: value for name, value in request.headers.items() if name != "Host"},
                allow_redirects=False,
            ) as answer,
        ):
            headers = answer.headers.copy()
            headers.popall("Transfer-Encoding", None)
            headers.popall("Content-Length", None)
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    server = web.Application()
    server.router.add_route("*", BASE + "/{rest:.*}", hand_on)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        url = f"http://127.0.0.1:{port}"
        vars(app.clients).update(settings=SimpleNamespace(console_url=f"{url}{BASE}/console"))
        yield url
    finally:
        await runner.cleanup()


async def visit(browser: Browser, address: str) -> Answer:
    """As a browser that follows an address of a page: as it is written, from the root of the host."""
    assert address.startswith(f"{BASE}/console"), address
    return await browser.ask("GET", address)


async def test_whoever_signs_in_through_the_proxy_reads_decides_and_never_leaves_the_path(app: ConsoleApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    async with proxied(app) as url:
        browser = Browser(url=url)
        led = await visit(browser, f"{BASE}/console/promotions/{promotion}")
        to_directory = await visit(browser, led.location)
        state = re.search(r"state=([\w-]+)", to_directory.location)
        assert state is not None
        assert f"redirect_uri={url}{BASE}/console/signed-in" in to_directory.location
        back = await visit(browser, f"{BASE}/console/signed-in?code=grace&state={state[1]}")
        page = await visit(browser, back.location)
        addresses = {address.replace("&amp;", "&") for address in ADDRESS.findall(page.text)}
        links = [address for address in addresses if not re.search(r"/(approve|reject|sign-out)$", address)]
        statuses = {address: (await visit(browser, address)).status for address in links}
        form = page.form("approve") | {"reason": "seen"}
        headers = {"Sec-Fetch-Site": "same-origin"}
        sent = await browser.ask("POST", f"{BASE}/console/promotions/{promotion}/approve", form, **headers)
        again = await visit(browser, sent.location)

    assert set(statuses.values()) == {200}, statuses
    assert any("/static/" in address for address in statuses)
    assert "You have approved it." in again.text


async def test_a_page_that_says_what_is_wrong_is_below_the_path_too(app: ConsoleApp) -> None:
    async with proxied(app) as url:
        browser = Browser(url=url)
        page = await visit(browser, f"{BASE}/console/signed-in?code=grace&state=x")

    assert page.status == 403
    assert {address.startswith(f"{BASE}/console") for address in ADDRESS.findall(page.text)} == {True}


def test_what_people_write_is_no_address_of_the_console() -> None:
    text = ' href="/console/x" <a href="/console/y">'
    page = below("/ml", html_response(403, "problem.html", title="t", detail=text, status=403)).get_body().decode()

    assert "/ml/console/x" not in page
    assert "/ml/console/y" not in page
    assert 'href="/ml/console/"' in page


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://signalbox.example/console", ""),
        ("https://front.example/ml/signalbox/console", "/ml/signalbox"),
        ("http://127.0.0.1:7071/console", ""),
    ],
)
def test_the_path_is_that_of_the_setting(address: str, base: str) -> None:
    assert base_of(address) == base
    assert not _problem("SIGNALBOX_CONSOLE_URL", address)


@pytest.mark.parametrize(
    "address",
    [
        "https://front.example/ml/",
        "https://front.example/../console",
        "https://front.example//console",
        'https://front.example/a"b/console',
        "https://front.example/ml/console?x=1",
        "http://front.example/ml/console",
    ],
)
def test_what_is_no_address_of_a_console_is_refused_at_the_start(address: str) -> None:
    assert _problem("SIGNALBOX_CONSOLE_URL", address)
