"""What `call_http` has begun goes on after a restart, and ends with its orchestration."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
import pytest_asyncio
from aiohttp import web

from signalbox.host.clock import VirtualClock
from signalbox.host.testing import LocalHost
from tests.host.identity_service import claims, identity_service

RESOURCE = "https://management.core.windows.net/"
START = datetime(2026, 1, 1, tzinfo=UTC)


class Service:
    """Accepts work, and says an hour later that it is done."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self.cookies: list[str] = []
        self.url = ""
        self.location = "/job"

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.method} {request.path}")
        self.tokens.append(request.headers.get("Authorization", ""))
        self.cookies.append(request.headers.get("Cookie", ""))
        if request.method == "POST":
            return web.Response(status=202, headers={"Location": self.location, "Retry-After": "3600"})
        return web.Response(text="done")


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    running, application = Service(), web.Application()
    application.router.add_route("*", "/{path:.*}", running.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield running
    await runner.cleanup()


@pytest.fixture
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The process has a managed identity."""
    with identity_service(tmp_path_factory.mktemp("identity")) as settings, pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(name, value)
        yield


def app() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def caller(context: df.DurableOrchestrationContext) -> Any:
        answer = yield context.call_http("POST", context.get_input())
        return answer["content"]

    @app.orchestration_trigger(context_name="context")
    def identified(context: df.DurableOrchestrationContext) -> Any:
        source = df.ManagedIdentityTokenSource(RESOURCE)
        answer = yield context.call_http("POST", context.get_input(), headers={"cookie": "a=b"}, token_source=source)
        return answer["content"]

    return app


async def test_a_restart_polls_and_does_not_ask_again(service: Service, tmp_path: Path) -> None:
    async with LocalHost(app(), tmp_path, clock=VirtualClock(START)) as host:
        await host.start("caller", "one", f"{service.url}/work")
        await host.settle()
        await host.advance(timedelta(minutes=59))
        assert service.requests == ["POST /work"]
    async with LocalHost(app(), tmp_path, clock=VirtualClock(START + timedelta(hours=2))) as host:
        assert (await host.wait("one")).output == "done"
    assert service.requests == ["POST /work", "GET /job"]


async def test_a_poll_comes_when_the_answer_has_asked_for_it(service: Service, tmp_path: Path) -> None:
    async with LocalHost(app(), tmp_path) as host:
        await host.start("caller", "one", f"{service.url}/work")
        await host.settle()
        await host.advance(timedelta(minutes=61))
        assert (await host.wait("one")).output == "done"


async def test_nothing_is_left_of_a_call_whose_orchestration_has_ended(service: Service, tmp_path: Path) -> None:
    async with LocalHost(app(), tmp_path) as host:
        await host.start("caller", "one", f"{service.url}/work")
        await host.settle()
        await host.terminate("one", "enough")
        await host.wait("one")
        await host.advance(timedelta(hours=2))
        assert host.host._storage.read("SELECT id FROM activities") == []
    assert service.requests == ["POST /work", "GET /job"]


@pytest.mark.usefixtures("identity")
async def test_a_token_goes_with_the_call_and_into_no_history(service: Service, tmp_path: Path) -> None:
    async with LocalHost(app(), tmp_path) as host:
        await host.start("identified", "one", f"{service.url}/work")
        await host.settle()
        await host.advance(timedelta(minutes=61))
        assert (await host.wait("one")).output == "done"
    tokens = [token.removeprefix("Bearer ") for token in service.tokens]
    assert [claims(token)["aud"] for token in tokens] == [RESOURCE, RESOURCE]  # The poll is authorised, too.
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or tokens[0].encode() not in path.read_bytes(), path


@pytest.mark.usefixtures("identity")
async def test_another_server_gets_no_credentials(service: Service, tmp_path: Path) -> None:
    service.location = service.url.replace("127.0.0.1", "localhost") + "/job"
    async with LocalHost(app(), tmp_path) as host:
        await host.start("identified", "one", f"{service.url}/work")
        await host.settle()
        await host.advance(timedelta(minutes=61))
        assert (await host.wait("one")).output == "done"
    assert service.requests == ["POST /work", "GET /job"]
    assert [bool(token) for token in service.tokens] == [True, False]
    assert service.cookies == ["a=b", ""]


async def test_a_token_that_nobody_gives_fails_the_call(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    async with LocalHost(app(), tmp_path) as host:
        await host.start("identified", "one", f"{service.url}/work")
        assert (await host.wait("one")).status == "Failed"
    assert service.requests == []
