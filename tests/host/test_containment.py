"""Whatever a function raises ends its call and never the host, for every kind of function."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import azure.durable_functions as df
import azure.functions as func
import pytest

from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost
from tests.host.process import Process, post, wait_until

DEADLY = Path(__file__).parent / "apps" / "deadly"


class Unheard(BaseException):
    """Nobody expects it, and its text fails too."""

    def __str__(self) -> str:
        raise SystemExit(4)


RAISED: dict[str, Callable[[], BaseException]] = {
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "StopIteration": StopIteration,
    "CancelledError": asyncio.CancelledError,
    "Unheard": Unheard,
}


class Dying:
    """Every function of the app raises what `name` says."""

    name = "SystemExit"

    def die(self) -> Any:
        raise RAISED[self.name]()


def app_of(dying: Dying) -> df.DFApp:
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.activity_trigger(input_name="payload")
    def plain(payload: str) -> str:
        return str(dying.die())

    @app.activity_trigger(input_name="payload")
    async def waiting(payload: str) -> str:
        await asyncio.sleep(0)
        return str(dying.die())

    @app.activity_trigger(input_name="payload")
    async def itself(payload: str) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        return payload

    @app.entity_trigger(context_name="context")
    def keeper(context: df.DurableEntityContext) -> None:
        dying.die()

    @app.orchestration_trigger(context_name="context")
    def leaving(context: df.DurableOrchestrationContext) -> Iterator[Any]:
        yield context.create_timer(context.current_utc_datetime)
        dying.die()

    @app.orchestration_trigger(context_name="context")
    def caller(context: df.DurableOrchestrationContext) -> Iterator[Any]:
        name = context.get_input()
        if name == "keeper":
            return (yield context.call_entity(df.EntityId("keeper", "k"), "any"))
        return (yield context.call_activity(name, "x"))

    @app.route("door")
    def door(req: func.HttpRequest) -> str:
        return str(dying.die())

    @app.route("awaited")
    async def awaited(req: func.HttpRequest) -> str:
        return str(dying.die())

    @app.event_grid_trigger(arg_name="event")
    async def received(event: func.EventGridEvent) -> None:
        dying.die()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    async def hourly(timer: func.TimerRequest) -> None:
        dying.die()

    return app


@pytest.mark.parametrize("name", RAISED)
async def test_each_kind_of_function_fails_alone_whatever_it_raises(name: str, tmp_path: Path) -> None:
    dying = Dying()
    dying.name = name
    async with LocalHost(app_of(dying), tmp_path) as host, aiohttp.ClientSession() as session:
        for target in ("plain", "waiting", "keeper"):
            await host.start("caller", target, target)
            outcome = await host.wait(target)
            assert outcome.status == "Failed", outcome
            assert name in outcome.output or (name, target) == ("StopIteration", "keeper"), outcome
        await host.start("leaving", "leaving")
        outcome = await host.advance_until_finished("leaving")
        assert (outcome.status, name in outcome.output) == ("Failed", True), outcome

        for path in ("door", "awaited"):
            async with session.get(f"{host.url}/api/{path}") as response:
                assert response.status == 500
        key = host.host.keys.eventgrid_extension
        url = f"{host.url}/runtime/webhooks/eventgrid?functionName=received&code={key}"
        event = {"id": "1", "topic": "t", "subject": "s", "eventType": "e", "data": {}, "dataVersion": "1"}
        event["eventTime"] = "2026-01-01T00:00:00Z"
        async with session.post(url, json=[event], headers={"aeg-event-type": "Notification"}) as response:
            assert response.status == 500
        await host.advance(timedelta(hours=3))


async def test_an_activity_that_cancels_itself_fails_and_is_not_left_for_the_next_start(tmp_path: Path) -> None:
    async with LocalHost(app_of(Dying()), tmp_path) as host:
        await host.start("caller", "one", "itself")
        outcome = await host.wait("one")
        assert (outcome.status, "CancelledError" in outcome.output) == ("Failed", True)


def test_an_app_that_exits_while_it_is_imported_is_named(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import sys\nsys.exit(7)\n")
    with pytest.raises(HostError, match=r"cannot be imported: .*function_app.py raised SystemExit\(7\)"):
        LocalHost(tmp_path, tmp_path / "state")


def test_a_task_in_the_background_cannot_end_the_host(tmp_path: Path) -> None:
    process = Process(DEADLY, tmp_path)
    try:
        url = process.start()
        assert post(f"{url}/api/later", b"3") == 202
        wait_until(lambda: "a background task of the app raised SystemExit: 3" in process.log.read_text())
        assert post(f"{url}/api/alive") == 200
    finally:
        process.close()
