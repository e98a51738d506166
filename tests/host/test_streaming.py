"""Streams of the http-fastapi extension where the app's code runs in the host's own process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import azure.functions as func
import pytest
import pytest_asyncio

from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost
from tests.conformance.conftest import APP

pytest.importorskip("azurefunctions.extensions.http.fastapi", reason="`make setup` installs the extension")


@pytest_asyncio.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[aiohttp.ClientSession]:
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "streams.py")
    async with LocalHost(APP.with_name("streaming_app"), tmp_path) as host, aiohttp.ClientSession(host.url) as client:
        yield client


async def test_both_bodies_are_streams(session: aiohttp.ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        while await (await session.get("/api/arrived/k")).json() != 3:
            await asyncio.sleep(0.01)
        yield b"def"

    answer = await session.post("/api/upload/k", data=pieces())
    assert (await answer.json())["size"] == 6
    answer = await session.get("/api/download/k")
    assert await answer.content.readexactly(6) == b"first "
    await session.post("/api/release/k")
    assert await answer.read() == b"second"


async def test_an_exit_ends_its_call_alone(session: aiohttp.ClientSession) -> None:
    assert (await session.get("/api/values/exit")).status == 500
    assert await (await session.get("/api/values/text")).json() == "text"


async def test_an_answer_that_breaks_off_ends_with_its_connection(session: aiohttp.ClientSession) -> None:
    answer = await session.get("/api/broken")
    with pytest.raises(aiohttp.ClientError):
        await answer.read()


async def test_a_binding_beside_a_stream_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from azurefunctions.extensions.http.fastapi import Request

    monkeypatch.setenv("ACCOUNT", "UseDevelopmentStorage=true")
    app = func.FunctionApp()

    @app.route("x")
    @app.queue_output(arg_name="out", queue_name="q", connection="ACCOUNT")
    def order(req: Request, out: func.Out[str]) -> str:
        out.set(req.method)
        return ""

    with pytest.raises(HostError, match="function 'order' has binding 'out', which this host does not serve beside"):
        LocalHost(app, tmp_path)
