"""What a rewind must not lose, and must not do twice."""

import asyncio
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from signalbox.host.durable.client import NotFinishedError
from signalbox.host.testing import LocalHost


def mending_app(failures: list[str]) -> df.DFApp:
    """An orchestrator that fails as often as *failures* has entries, and then waits for an event."""
    app = df.DFApp()

    @app.activity_trigger(input_name="given")
    def work(given: str) -> str:
        if failures:
            raise ValueError(failures.pop())
        return given

    @app.orchestration_trigger(context_name="context")
    def mending(context: df.DurableOrchestrationContext) -> Any:
        yield context.create_timer(context.current_utc_datetime)
        done = yield context.call_activity("work", "done")
        return [done, (yield context.wait_for_external_event("go"))]

    return app


async def test_an_event_that_came_before_the_failure_is_taken_after_the_rewind(tmp_path: Path) -> None:
    failures = ["no"]
    async with LocalHost(mending_app(failures), tmp_path) as host:
        await host.start("mending", "i")
        await host.raise_event("i", "go", "early")
        await host.advance_until_finished("i")
    async with LocalHost(mending_app(failures), tmp_path) as host:
        await host.settle()
        assert host.get("i").status == "Failed"
        await host.host.client.rewind("i", "mended")
        assert (await host.wait("i")).output == ["done", "early"]


async def test_of_two_rewinds_at_once_one_is_refused(tmp_path: Path) -> None:
    async with LocalHost(mending_app(["no"]), tmp_path) as host:
        await host.start("mending", "i")
        await host.advance_until_finished("i")
        rewinds = [host.host.client.rewind("i", "mended") for _ in range(2)]
        outcomes = await asyncio.gather(*rewinds, return_exceptions=True)
        await host.raise_event("i", "go", "late")
        assert (await host.wait("i")).output == ["done", "late"]
    assert [type(outcome) for outcome in outcomes] == [type(None), NotFinishedError]
