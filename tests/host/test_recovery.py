"""What a new host makes of an old host's state, and of an app that changed in between."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.host.clock import VirtualClock
from signalbox.host.durable.model import Kind
from signalbox.host.testing import LocalHost
from tests.amounts import amount

APP = Path(__file__).parent / "apps" / "durable"


async def test_timers_go_on_after_a_restart(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with LocalHost(APP, tmp_path, clock=clock) as host:
        await host.start("sleeping", "i", 3600)
        await host.settle()
    async with LocalHost(APP, tmp_path, clock=VirtualClock(clock.now() + timedelta(minutes=59))) as host:
        await host.settle()
        assert host.get("i").status == "Running"
        await host.advance(timedelta(minutes=1))
        assert host.get("i").output == "awake"


async def test_a_timer_that_came_due_meanwhile_fires_at_once(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with LocalHost(APP, tmp_path, clock=clock) as host:
        await host.start("sleeping", "i", 3600)
        await host.settle()
    async with LocalHost(APP, tmp_path, clock=VirtualClock(clock.now() + timedelta(days=1))) as host:
        host._virtual_clock().advance_to(host.clock.now())
        assert (await host.wait("i")).output == "awake"


async def test_retries_go_on_where_they_were(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with LocalHost(APP, tmp_path, clock=clock) as host:
        await host.start("retrying", "i", {"key": str(tmp_path), "failures": 2})
        await host.advance(timedelta(seconds=60))
    async with LocalHost(APP, tmp_path, clock=VirtualClock(clock.now())) as host:
        await host.advance(timedelta(seconds=60))
        assert host.get("i").output == [3, 120.0]


async def test_early_events_are_kept(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path) as host:
        await host.start("collecting", "i")
        await host.raise_event("i", "item", 1)
        await host.raise_event("i", "other", 1)
        await host.settle()
    async with LocalHost(APP, tmp_path) as host:
        await host.raise_event("i", "item", 2)
        await host.raise_event("i", "item", 3)
        assert (await host.wait("i")).output == [1, 2, 3]


async def test_an_instance_waits_for_its_orchestrator_to_come_back(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with LocalHost(APP, tmp_path, clock=clock) as host:
        await host.start("sleeping", "i", 10)
        await host.settle()
    async with LocalHost(changing_app([]), tmp_path, clock=clock) as host:
        await host.advance(timedelta(seconds=10))
        assert host.get("i").status == "Running"
    async with LocalHost(APP, tmp_path, clock=VirtualClock(clock.now())) as host:
        host._virtual_clock().advance_to(host.clock.now())
        assert (await host.wait("i")).output == "awake"


async def test_an_answer_to_a_suspended_instance_is_put_away(tmp_path: Path) -> None:
    attempts, gate = list[str](), asyncio.Event()
    async with LocalHost(counting_app(attempts, gate), tmp_path) as host:
        await host.start("counting", "i")
        await host.host.client.control("i", Kind.SUSPEND, "")
        async with asyncio.timeout(10):
            while host.get("i").status != "Suspended":
                await asyncio.sleep(0)
        gate.set()
        await host.settle()
    async with LocalHost(counting_app(attempts, gate), tmp_path) as host:
        await host.host.client.control("i", Kind.RESUME, "")
        assert (await host.wait("i")).output == "counted"
    assert attempts == ["x"]


def counting_app(attempts: list[str], gate: asyncio.Event) -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="given")
    async def count(given: str) -> str:
        attempts.append(given)
        await gate.wait()
        return "counted"

    @app.orchestration_trigger(context_name="context")
    def counting(context: df.DurableOrchestrationContext) -> Any:
        return (yield context.call_activity("count", "x"))

    return app


def changing_app(plan: list[str]) -> df.DFApp:
    """An orchestrator that follows *plan*: what it asks for, one letter each."""
    app = df.DFApp()

    @app.activity_trigger(input_name="given")
    def a(given: str) -> str:
        return given

    @app.activity_trigger(input_name="given")
    def b(given: str) -> str:
        return given

    @app.orchestration_trigger(context_name="context")
    def child(context: df.DurableOrchestrationContext) -> str:
        return context.instance_id

    @app.orchestration_trigger(context_name="context")
    def changing(context: df.DurableOrchestrationContext) -> Any:
        for step in plan:
            yield ask(context, step)
        yield context.wait_for_external_event("go")
        return "went"

    return app


def ask(context: df.DurableOrchestrationContext, step: str) -> Any:
    if step == "timer":
        return context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    if step == "child":
        return context.call_sub_orchestrator("child")
    if step.startswith("event"):
        return context.wait_for_external_event(step)
    name, _, given = step.partition(":")
    return context.call_activity(name, given)


async def replay_changed(folder: Path, before: list[str], after: list[str], *, strict: bool = True) -> Any:
    async with LocalHost(changing_app(before), folder) as host:
        await host.start("changing", "i")
        await host.advance(timedelta(minutes=1))
    async with LocalHost(changing_app(after), folder, strict_replay=strict) as host:
        await host.raise_event("i", "event-x")
        await host.raise_event("i", "go")
        await host.advance(timedelta(minutes=1))
        return host.get("i")


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")  # All the SDK has to say about it.
@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (["a"], ["b"], "at position 0 history has activity 'a' with input \"\", replay asked for activity 'b'"),
        (["a:1"], ["a:2"], "history has activity 'a' with input \"1\", replay asked for activity 'a' with input \"2\""),
        (["a", "b"], ["a"], "at position 1 history has activity 'b' with input \"\", replay asked for wait for event"),
        (["a", "timer"], ["a", "child"], "at position 1 history has timer, replay asked for sub-orchestration 'child'"),
        (["child"], ["timer"], "history has sub-orchestration 'child' with input null, replay asked for timer"),
        (["event-x"], ["event-y"], "history has wait for event 'event-x', replay asked for wait for event 'event-y'"),
    ],
)
async def test_a_changed_orchestrator_fails_loudly(
    tmp_path: Path, before: list[str], after: list[str], message: str
) -> None:
    outcome = await replay_changed(tmp_path, before, after)
    assert outcome.status == "Failed"
    assert "Non-deterministic orchestrator 'changing'" in outcome.output
    assert message in outcome.output


async def test_another_input_is_a_warning_unless_the_host_is_strict(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await replay_changed(tmp_path, ["a:1"], ["a:2"], strict=False)).output == "went"
    assert "instance=i Non-deterministic orchestrator 'changing': at position 0 history has activity 'a'" in caplog.text


async def test_more_work_at_the_end_is_not_a_change_of_the_past(tmp_path: Path) -> None:
    assert (await replay_changed(tmp_path, ["a"], ["a"])).output == "went"


@settings(max_examples=amount(4, 12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(st.sampled_from(["a:1", "b:2", "timer", "child"]), max_size=5))
async def test_any_unchanged_plan_replays_after_a_restart(
    tmp_path_factory: pytest.TempPathFactory, plan: list[str]
) -> None:
    assert (await replay_changed(tmp_path_factory.mktemp("plan"), plan, plan)).output == "went"
