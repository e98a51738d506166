"""What `call_http` has begun goes on after a restart, and ends with its orchestration."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest_asyncio
from aiohttp import web

from signalbox.host.clock import VirtualClock
from signalbox.host.testing import LocalHost

START = datetime(2026, 1, 1, tzinfo=UTC)


class Service:
    """Accepts work, and says an hour later that it is done."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.method} {request.path}")
        if request.method == "POST":
            return web.Response(status=202, headers={"Location": "/job", "Retry-After": "3600"})
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


def app() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def caller(context: df.DurableOrchestrationContext) -> Any:
        answer = yield context.call_http("POST", context.get_input())
        return answer["content"]

    @app.orchestration_trigger(context_name="context")
    def identified(context: df.DurableOrchestrationContext) -> Any:
        yield context.call_http("GET", "http://x/", token_source=df.ManagedIdentityTokenSource("https://x/"))

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


async def test_a_token_source_is_refused_by_name(tmp_path: Path) -> None:
    async with LocalHost(app(), tmp_path) as host:
        await host.start("identified", "one")
        assert "call_http with a token source is not served by this host" in (await host.wait("one")).output
