"""Tasks are numbered as the SDK numbers them, however retries, events and new work interleave, across restarts."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.host.clock import VirtualClock
from signalbox.host.testing import LocalHost
from tests.amounts import amount

Plan = list[dict[str, int]]


def racing_app(attempts: dict[str, int]) -> df.DFApp:
    """Tasks race; each winner but the last ones starts a successor, so that numbers depend on who wins."""
    app = df.DFApp()

    @app.activity_trigger(input_name="task")
    def work(task: dict[str, Any]) -> str:
        attempts[task["name"]] = attempts.get(task["name"], 0) + 1
        if attempts[task["name"]] <= task["failures"]:
            raise ValueError(task["name"])
        return str(task["name"])

    @app.orchestration_trigger(context_name="context")
    def race(context: df.DurableOrchestrationContext) -> Any:
        pending = [begin(context, f"t{n}", one) for n, one in enumerate(context.get_input())]
        finished: list[str] = []
        while pending:
            winner = yield context.task_any(pending)
            pending.remove(winner)
            finished.append(outcome(winner))
            if not finished[-1].endswith("+"):
                pending.append(context.call_activity("work", {"name": f"{finished[-1]}+", "failures": 0}))
        return sorted(finished)

    return app


def begin(context: df.DurableOrchestrationContext, name: str, one: dict[str, int]) -> Any:
    if one["kind"] == 0:
        return context.call_activity("work", {"name": name, "failures": 0})
    options = df.RetryOptions(one["interval"], one["attempts"])
    return context.call_activity_with_retry("work", options, {"name": name, "failures": one["failures"]})


def outcome(task: Any) -> str:
    return "failed+" if isinstance(task.result, Exception) else str(task.result)


def expected(plan: Plan) -> list[str]:
    names = list[str]()
    for number, one in enumerate(plan):
        fails = one["kind"] == 1 and one["failures"] >= one["attempts"]
        names += ["failed+"] if fails else [f"t{number}", f"t{number}+"]
    return sorted(names)


tasks = st.fixed_dictionaries(
    {
        "kind": st.integers(0, 1),
        "interval": st.sampled_from([1000, 2000, 3000]),
        "attempts": st.integers(1, 3),
        "failures": st.integers(0, 3),
    }
)


@settings(max_examples=amount(8, 25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(tasks, max_size=5), restart_after=st.integers(0, 6))
async def test_races_with_retries_end_the_same(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, restart_after: int
) -> None:
    attempts: dict[str, int] = {}
    folder, clock = tmp_path_factory.mktemp("race"), VirtualClock()
    async with LocalHost(racing_app(attempts), folder, clock=clock) as host:
        await host.start("race", "i", plan)
        await host.advance(timedelta(seconds=restart_after))
    async with LocalHost(racing_app(attempts), folder, clock=VirtualClock(clock.now())) as host:
        await host.advance(timedelta(seconds=30))
        done = host.get("i")
    assert (done.status, done.output) == ("Completed", expected(plan))


def reminding_app() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def reminding(context: df.DurableOrchestrationContext) -> Any:
        """Waits in rounds; the waits of earlier rounds stay open, as on Azure, and the newest takes the event."""
        for reminder in range(5):
            answer = context.wait_for_external_event("answer")
            patience = context.create_timer(context.current_utc_datetime + timedelta(days=1))
            winner = yield context.task_any([answer, patience])
            if winner is answer:
                patience.cancel()
                return [reminder, answer.result]
        return "silence"

    return app


@pytest.mark.parametrize(("days", "expected"), [(0, [0, "yes"]), (3, [3, "yes"]), (9, "silence")])
async def test_the_newest_wait_takes_the_event(tmp_path: Path, days: int, expected: Any) -> None:
    async with LocalHost(reminding_app(), tmp_path) as host:
        await host.start("reminding", "i")
        await host.advance(timedelta(days=days))
        if days < 5:
            await host.raise_event("i", "answer", "yes")
        assert (await host.wait("i")).output == expected


async def test_of_many_starts_of_one_id_one_wins(tmp_path: Path) -> None:
    async with LocalHost(reminding_app(), tmp_path) as host:
        starts = [host.start("reminding", "i") for _ in range(100)]
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        assert sum(isinstance(one, str) for one in outcomes) == 1
