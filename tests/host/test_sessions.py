"""An orchestrator in memory goes on where it waits; it replays its history when it is loaded, and now and then."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.host.durable import engine
from signalbox.host.testing import LocalHost
from tests.amounts import amount

_EXTENSION = {"extensions": {"durableTask": {"extendedSessionsEnabled": False}}}


def counting_app(passes: Counter[int]) -> df.DFApp:
    """A chain of activities that counts how often its code passed each of them."""
    app = df.DFApp()

    @app.activity_trigger(input_name="number")
    def double(number: int) -> int:
        return 2 * number

    @app.orchestration_trigger(context_name="context")
    def chain(context: df.DurableOrchestrationContext) -> Any:
        total = 0
        for number in range(context.get_input()):
            passes[number] += 1
            total += yield context.call_activity("double", number)
        return total

    return app


async def run_chain(folder: Path, length: int) -> Counter[int]:
    passes: Counter[int] = Counter()
    async with LocalHost(counting_app(passes), folder) as host:
        await host.start("chain", "i", length)
        assert (await host.wait("i", timeout=60)).output == length * (length - 1)
    return passes


async def test_a_chain_costs_its_length(tmp_path: Path) -> None:
    assert (await run_chain(tmp_path, 64)).total() <= 3 * 64


async def test_every_step_replays_where_the_setting_says_so(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps(_EXTENSION))

    assert await run_chain(tmp_path, 16) == {number: 16 - number + (number < 16) for number in range(16)}


async def test_a_non_deterministic_orchestrator_is_still_found(tmp_path: Path) -> None:
    world = ["first"]
    app = df.DFApp()

    @app.activity_trigger(input_name="name")
    def change(name: str) -> None:
        world.append(name)

    @app.orchestration_trigger(context_name="context")
    def fickle(context: df.DurableOrchestrationContext) -> Any:
        for _ in range(4):
            yield context.call_activity("change", world[-1] * (len(world) > 3))
            yield context.call_activity("change", "x")
        return "unnoticed"

    async with LocalHost(app, tmp_path) as host:
        await host.start("fickle", "i")
        outcome = await host.wait("i")

    assert outcome.status == "Failed"
    assert "Non-deterministic orchestrator 'fickle'" in outcome.output


async def test_only_so_many_orchestrators_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_MOST_SESSIONS", 2)
    closed_ids: list[str] = []
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def waiting(context: df.DurableOrchestrationContext) -> Any:
        values = []
        try:
            while len(values) < 4:
                value = yield context.wait_for_external_event("go")
                values.append(value)
        except GeneratorExit:
            closed_ids.append(context.instance_id)
            raise
        return values

    async with LocalHost(app, tmp_path) as host:
        ids = [f"i{number}" for number in range(5)]
        for instance_id in ids:
            await host.start("waiting", instance_id)
        async with asyncio.timeout(30):  # They are closed beside the steps of others.
            while sorted(closed_ids) != ids[:3]:
                await asyncio.sleep(0.01)
        for step in range(4):
            for instance_id in ids:
                await host.raise_event(instance_id, "go", step)
        outputs = [(await host.wait(instance_id)).output for instance_id in ids]

    assert outputs == [[0, 1, 2, 3]] * 5


operations = st.lists(st.sampled_from(["work", "fail", "timer", "cancel", "child", "event", "both"]), max_size=12)


def mixed_app() -> df.DFApp:
    """An orchestrator that does what its input lists, one after the other."""
    app = df.DFApp()

    @app.activity_trigger(input_name="name")
    def work(name: str) -> str:
        if name == "fail":
            raise ValueError(name)
        return name

    @app.orchestration_trigger(context_name="context")
    def child(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_activity("work", context.get_input()))

    @app.orchestration_trigger(context_name="context")
    def mixed(context: df.DurableOrchestrationContext) -> Any:
        results: list[str] = []
        for number, operation in enumerate(context.get_input()):
            try:
                results.append(str((yield _task(context, operation, number))))
            except Exception as error:
                results.append(str(error))
            context.set_custom_status(len(results))
            results.append(str(context.new_uuid()))
        return [*results, context.current_utc_datetime.isoformat()]

    return app


def _task(context: df.DurableOrchestrationContext, operation: str, number: int) -> Any:
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    if operation == "timer":
        return timer
    timer.cancel()
    if operation == "child":
        return context.call_sub_orchestrator("child", f"child {number}")
    if operation == "event":
        return context.wait_for_external_event("go")
    if operation == "both":
        return context.task_all([context.call_activity("work", f"{side} {number}") for side in ("left", "right")])
    return context.call_activity("work", operation)


async def _run_mixed(folder: Path, plan: list[str]) -> tuple[str, Any, Any]:
    async with LocalHost(mixed_app(), folder) as host:
        await host.start("mixed", "i", plan)
        for number in range(plan.count("event")):
            await host.raise_event("i", "go", number)
        outcome = await host.advance_until_finished("i", timeout=60)
    return outcome.status, outcome.output, outcome.custom_status


@settings(max_examples=amount(6, 200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=operations)
async def test_an_orchestrator_in_memory_does_what_its_replay_does(
    tmp_path_factory: pytest.TempPathFactory, plan: list[str]
) -> None:
    resumed, replayed = tmp_path_factory.mktemp("resumed"), tmp_path_factory.mktemp("replayed")
    (replayed / "host.json").write_text(json.dumps(_EXTENSION))

    assert await _run_mixed(resumed, plan) == await _run_mixed(replayed, plan)
