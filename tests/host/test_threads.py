"""Threads for the app's code, and which orchestrators replay beside those that a restart makes replay."""

import asyncio
import threading
from pathlib import Path

import azure.durable_functions as df
import pytest

from signalbox.host.durable.sdk import OrchestratorSession
from signalbox.host.testing import LocalHost
from signalbox.host.workers.threads import Threads


def test_a_call_gives_what_the_function_gives_or_raises() -> None:
    async def scene() -> None:
        threads = Threads(2, "test")
        assert await asyncio.gather(*(threads.run(pow, number, 2) for number in range(100))) == [
            number**2 for number in range(100)
        ]
        [error] = await asyncio.gather(threads.run(int, "no number"), return_exceptions=True)
        assert isinstance(error, ValueError)
        threads.stop()
        threads.join()

    asyncio.run(scene())


def test_there_are_no_more_threads_than_the_limit() -> None:
    async def scene() -> None:
        threads, meeting, names = Threads(3, "test"), threading.Barrier(3), set[str]()

        def job() -> None:
            names.add(threading.current_thread().name)
            meeting.wait(30)

        calls = [threads.run(job) for _ in range(9)]
        await asyncio.gather(*calls)
        assert names == {"test_0", "test_1", "test_2"}
        threads.stop()
        threads.join()

    asyncio.run(scene())


def test_what_waits_is_forgotten_or_done_before_the_end_as_stop_is_told() -> None:
    async def scene(forget: bool) -> int:
        threads, done, begun, gate = Threads(1, "test"), list[int](), threading.Event(), threading.Event()
        first = threads.run(lambda: begun.set() or gate.wait(10))
        for number in range(3):
            threads.submit(lambda number=number: done.append(number))
        assert begun.wait(10)
        threads.stop(forget=forget)
        gate.set()
        threads.join()
        await first
        return len(done)

    assert [asyncio.run(scene(forget)) for forget in (False, True)] == [3, 0]


def test_a_cancelled_call_that_has_not_begun_does_not_begin() -> None:
    async def scene() -> None:
        threads, done, gate = Threads(1, "test"), list[int](), threading.Event()
        first, second = threads.run(gate.wait, 10), threads.run(done.append, 1)
        second.cancel()
        gate.set()
        await first
        threads.stop()
        threads.join()
        assert not done

    asyncio.run(scene())


def test_the_first_instances_replay_now_and_then_and_one_of_sixteen_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three activities are four steps: a checked instance replays at the second and third, another goes on."""
    app, opened = df.DFApp(), list[str]()

    @app.activity_trigger(input_name="number")
    def add_one(number: int) -> int:
        return number + 1

    @app.orchestration_trigger(context_name="context")
    def three(context: df.DurableOrchestrationContext):
        value = context.get_input()
        for _ in range(3):
            value = yield context.call_activity("add_one", value)
        return value

    begin = OrchestratorSession.begin
    monkeypatch.setattr(OrchestratorSession, "begin", lambda self: opened.append("replay") or begin(self))

    async def scene() -> list[int]:
        counts = []
        async with LocalHost(app, tmp_path) as host:
            for number in range(112):
                opened.clear()
                await host.start("three", f"i-{number}", 0)
                assert (await host.wait(f"i-{number}")).output == 3
                counts.append(len(opened))
        return counts

    assert asyncio.run(scene()) == [3] * 100 + [1] * 11 + [3]
