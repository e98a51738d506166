"""HTTP triggers: routing, methods, keys, and what crosses the wire."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost
from signalbox.host.triggers.routes import compile_route

APP = Path(__file__).parent / "apps" / "doors"


@pytest_asyncio.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with LocalHost(APP, tmp_path) as running:
        yield running


async def fetch(host: LocalHost, path: str, method: str = "GET", **more: object) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, host.url + path, **more) as response,  # type: ignore[arg-type]
    ):
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/v1/orders/12", 200, '{"id": "12"}'),
        ("/v1/orders/ann", 200, "name ann"),
        ("/v1/ORDERS/new", 201, ""),
        ("/v1/files/a/b%20c?q=1", 200, "a/b c 1"),
        ("/v1/files/a%0Ab?q=1", 200, "a\nb 1"),
        ("/v1/files", 200, "None None"),
        ("/v1/page", 200, "none"),
        ("/v1/page/7", 200, "7"),
        ("/v1/page/x", 404, ""),
        ("/v1/orders/1-2", 404, ""),
        ("/orders/12", 404, ""),
        ("/v1/broken", 500, ""),
    ],
)
async def test_requests_find_their_function(host: LocalHost, path: str, status: int, body: str) -> None:
    assert await fetch(host, path) == (status, body)


async def test_a_name_may_be_long_and_encoded(host: LocalHost) -> None:
    name = "\U000d862e" * 1000

    assert await fetch(host, f"/v1/files/{name}?q=1") == (200, f"{name} 1")


async def test_a_wrong_method_is_refused(host: LocalHost) -> None:
    assert (await fetch(host, "/v1/orders/12", "DELETE"))[0] == 404


async def test_bodies_and_headers_travel_both_ways(host: LocalHost) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{host.url}/v1/orders/new", data=b"\x00\xff", headers={"x-kind": "raw"}) as response,
    ):
        assert await response.read() == b"\x00\xff"
        assert response.headers["X-Kind"] == "raw"


async def test_every_cookie_is_set(host: LocalHost) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{host.url}/v1/cookies") as response:
        assert response.headers.getall("Set-Cookie") == ["a=1; path=/", "b=2; path="]


async def test_keys_open_functions_by_header_or_query(host: LocalHost) -> None:
    keys = host.host.keys
    assert (await fetch(host, "/v1/guarded"))[0] == 401
    assert (await fetch(host, "/v1/guarded?code=wrong"))[0] == 401
    assert await fetch(host, f"/v1/guarded?code={keys.default}") == (200, "guarded 36")
    assert (await fetch(host, "/v1/guarded", headers={"x-functions-key": keys.master}))[0] == 200


async def test_only_the_master_key_administers(host: LocalHost) -> None:
    keys = host.host.keys
    assert (await fetch(host, f"/v1/administered?code={keys.default}"))[0] == 401
    assert (await fetch(host, f"/v1/administered?code={keys.master}"))[0] == 200


@pytest.mark.parametrize("template", ["a/{b:nonsense}", "a/{b", "a/b}"])
def test_a_bad_route_is_named(template: str) -> None:
    with pytest.raises(HostError, match="route"):
        compile_route(template)


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("{a}/{b}", "x/y", {"a": "x", "b": "y"}),
        ("{a}.{b}", "file.txt", {"a": "file", "b": "txt"}),
        ("v{major:int}", "v12", {"major": "12"}),
        ("{a=home}", "", {"a": "home"}),
        ("{a:length(2)}", "abc", None),
        ("{a:guid}", "6f9619ff-8b86-d011-b42d-00c04fc964ff", {"a": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}),
        ("x/{a:regex(^[a-c]+$)}", "x/abc", {"a": "abc"}),
    ],
)
def test_templates_match(template: str, path: str, values: dict[str, str] | None) -> None:
    assert compile_route(template).match(path) == values


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="/"), min_size=1))
def test_any_text_survives_as_a_parameter(text: str) -> None:
    from urllib.parse import quote

    assert compile_route("api/{value}").match(f"api/{quote(text, safe='')}") == {"value": text}
