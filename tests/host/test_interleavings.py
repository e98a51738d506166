"""Whatever is done to instances, in whatever order, and wherever the host is killed: histories stay well formed.

A kill is the database as it was at some moment, under a new host. What the old one still does is nobody's: its effects
are not counted and its writes go to a file that is thrown away.
"""

import asyncio
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from signalbox.host.clock import VirtualClock
from signalbox.host.durable.client import ConflictError, GoneError, NotFinishedError, NotFoundError, StandingError
from signalbox.host.durable.history import Event
from signalbox.host.durable.model import InstanceRow, Kind, Status
from signalbox.host.testing import LocalHost
from tests.amounts import amount
from tests.host.wellformed import delivered, faults

IDS = ("a", "b", "c")
REFUSALS = (ConflictError, GoneError, NotFinishedError, NotFoundError, StandingError)
plans = st.lists(
    st.sampled_from(["work", "retry", "timer", "event", "child", "both", "race", "fragile", "again"]), max_size=8
)
ids = st.sampled_from(IDS)
turns = st.integers(0, 40)


@dataclass(slots=True)
class World:
    """What the activities of one host see and leave behind."""

    is_broken: bool = False
    is_dead: bool = False
    effects: Counter[str] = field(default_factory=Counter)


def app_of(world: World) -> df.DFApp:
    """An orchestrator that does what its input lists; each activity has a key that no other has."""
    app = df.DFApp()

    @app.activity_trigger(input_name="key")
    def work(key: str) -> str:
        if not world.is_dead:
            world.effects[key] += 1
        if key.endswith("fragile") and world.is_broken:
            raise ValueError("the world is broken")
        if key.endswith("retry") and world.effects[key] == 1:
            raise ValueError("the first attempt fails")
        return key

    @app.orchestration_trigger(context_name="context")
    def child(context: df.DurableOrchestrationContext) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        return (yield context.call_activity("work", context.get_input()))

    @app.orchestration_trigger(context_name="context")
    def planned(context: df.DurableOrchestrationContext) -> Any:
        given = context.get_input()
        results = list(given["results"])
        for number, operation in enumerate(given["plan"]):
            if operation == "again":
                context.continue_as_new({**given, "plan": given["plan"][number + 1 :], "results": [*results, "again"]})
                return None
            results.append((yield from _perform(context, operation, f"{given['run']}-{len(results)}-{operation}")))
            context.set_custom_status(len(results))
        return results

    return app


def _perform(context: df.DurableOrchestrationContext, operation: str, key: str) -> Any:
    if operation == "event":
        return {"go": (yield context.wait_for_external_event("go"))}
    if operation == "child":
        return (yield context.call_sub_orchestrator("child", key))
    if operation == "both":
        pair = [context.call_activity("work", f"{key}-{side}") for side in ("left", "right")]
        return (yield context.task_all(pair))
    if operation == "retry":
        return (yield context.call_activity_with_retry("work", df.RetryOptions(60_000, 3), key))
    if operation in ("timer", "race"):
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        if operation == "timer":
            yield timer
            return key
        activity = context.call_activity("work", key)
        winner = yield context.task_any([activity, timer])
        if winner is activity:
            timer.cancel()
        return key
    return (yield context.call_activity("work", key))


@dataclass(slots=True)
class Run:
    """What the test knows of one execution: its plan, and the events it was sent. Of an event that was being sent when
    the host was killed nobody knows whether it was kept."""

    key: str
    plan: list[str]
    sent: list[int] = field(default_factory=list)
    doubtful: set[int] = field(default_factory=set)

    def may_have_taken(self, payloads: Sequence[int]) -> bool:
        """Whether *payloads* are the events in their order, each once, and none left out but doubtful ones."""
        rest = iter(self.sent)
        for payload in payloads:
            for sent in rest:
                if sent == payload:
                    break
                if sent not in self.doubtful:
                    return False
            else:
                return False
        return True

    def expected(self, row: InstanceRow) -> list[Any]:
        """What it gives in the end; its events are checked by themselves."""
        output = json.loads(row.output or "null")
        return [
            result if operation == "event" else _result(operation, f"{self.key}-{number}-{operation}")
            for number, (operation, result) in enumerate(zip(self.plan, output, strict=True))
        ]


def _result(operation: str, key: str) -> Any:
    return {"again": "again", "both": [f"{key}-left", f"{key}-right"]}.get(operation, key)


class Interleavings(RuleBasedStateMachine):
    """A host, its instances, and everything that may happen to them."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = VirtualClock()
        self.world = World()
        self.runs: dict[str, Run] = {}
        self.run_count = self.kill_count = self.payload = 0
        self.states: list[Path] = []

    @initialize()
    def begin(self) -> None:
        self.runner.run(self._open(self._new_state()))

    def _new_state(self) -> Path:
        state = self.folder / f"{id(self)}-{self.kill_count}"
        self.states.append(state)
        return state

    async def _open(self, state: Path) -> None:
        self.host = LocalHost(app_of(self.world), state, clock=self.clock)
        await self.host.host.start()
        self.clock.advance_to(self.clock.now())  # What came due while nobody ran.

    # What may happen

    @rule(instance=ids, plan=plans, pause=turns)
    def start(self, instance: str, plan: list[str], pause: int) -> None:
        self.runner.run(self._start(instance, plan))
        self.runner.run(some_turns(pause))

    async def _start(self, instance: str, plan: list[str]) -> None:
        self.run_count += 1
        run = Run(key=f"run{self.run_count}", plan=plan)
        given = {"run": run.key, "plan": plan, "results": []}
        try:
            await self.host.start("planned", instance, given)
        except ConflictError:
            return
        self.runs[instance] = run

    @rule(instance=ids, count=st.integers(1, 3), pause=turns)
    def send(self, instance: str, count: int, pause: int) -> None:
        self.runner.run(gather(self._send(instance) for _ in range(count)))
        self.runner.run(some_turns(pause))

    async def _send(self, instance: str) -> None:
        self.payload += 1
        world, payload, run = self.world, self.payload, self.runs.get(instance)
        if run is not None:
            run.sent.append(payload)
            run.doubtful.add(payload)
        try:
            await self.host.raise_event(instance, "go", payload)
        except (GoneError, NotFoundError):
            return
        assert run is not None
        if not world.is_dead:
            run.doubtful.discard(payload)

    @rule(
        instance=ids,
        kinds=st.lists(st.sampled_from([Kind.SUSPEND, Kind.RESUME, Kind.TERMINATE]), min_size=1, max_size=3),
        pause=turns,
    )
    def control(self, instance: str, kinds: list[Kind], pause: int) -> None:
        self.runner.run(gather(allowed(self.host.host.client.control(instance, kind, "why")) for kind in kinds))
        self.runner.run(some_turns(pause))

    @rule(instance=ids, count=st.integers(1, 2), pause=turns)
    def rewind(self, instance: str, count: int, pause: int) -> None:
        self.world.is_broken = False
        self.runner.run(gather(allowed(self.host.host.client.rewind(instance, "why")) for _ in range(count)))
        self.runner.run(some_turns(pause))

    @rule(instance=ids)
    def purge(self, instance: str) -> None:
        self.runner.run(allowed(self.host.host.client.purge(instance)))
        if self._row(instance) is None:
            self.runs.pop(instance, None)

    @precondition(lambda self: not self.world.is_broken)
    @rule()
    def break_the_world(self) -> None:
        self.world.is_broken = True

    @rule(minutes=st.sampled_from([1, 30, 60]))
    def pass_time(self, minutes: int) -> None:
        self.runner.run(self.host.advance(timedelta(minutes=minutes)))

    @rule()
    def settle(self) -> None:
        self.runner.run(self.host.settle())

    @rule(pause=turns)
    def kill(self, pause: int) -> None:
        self.runner.run(some_turns(pause))
        self.runner.run(self._kill())

    @rule(instance=ids, pause=turns)
    def kill_while_sending(self, instance: str, pause: int) -> None:
        self.runner.run(self._kill_during(self._send(instance), pause))

    async def _kill_during(self, work: Coroutine[Any, Any, None], pause: int) -> None:
        task = asyncio.ensure_future(work)
        await some_turns(pause)
        await self._kill()
        await asyncio.gather(task, return_exceptions=True)

    async def _kill(self) -> None:
        """A new host takes up the database of this moment."""
        old_host, old_world, old_state = self.host, self.world, self.states[-1]
        old_world.is_dead = True
        self.kill_count += 1
        state = self._new_state()
        state.mkdir(mode=0o700)
        for name in ("host.db", "attempts.db"):
            with closing(sqlite3.connect(old_state / name)) as source, closing(sqlite3.connect(state / name)) as copy:
                source.backup(copy)
        await old_host.host.stop()
        self.world = World(is_broken=old_world.is_broken, effects=Counter(old_world.effects))
        await self._open(state)

    # What must hold

    @invariant()
    def every_history_is_well_formed(self) -> None:
        for instance, run in self.runs.items():
            self._check(instance, run)

    def _row(self, instance: str) -> InstanceRow | None:
        try:
            return self.host.host.client.get(instance)
        except NotFoundError:
            return None

    def _look(self, instance: str) -> tuple[InstanceRow, list[Event]]:
        """The row and the history of one moment: the host's threads may write between two reads."""
        while True:
            row = self._row(instance)
            assert row is not None, f"{instance} was accepted and is gone"
            history = self.host.host.client.history(instance)
            if row == self._row(instance):
                return row, history

    def _check(self, instance: str, run: Run) -> None:
        row, history = self._look(instance)
        assert not list(faults(history, row)), (list(faults(history, row)), history)
        payloads = delivered(history, row, "go")
        assert run.may_have_taken(payloads), (run, payloads)
        if row.status is Status.COMPLETED:
            assert json.loads(row.output or "null") == run.expected(row)

    def teardown(self) -> None:
        try:
            if self.states:
                self.runner.run(self._end())
        finally:
            self.runner.close()
            for state in self.states:
                shutil.rmtree(state, ignore_errors=True)

    async def _end(self) -> None:
        """Everything ends once nobody stands in its way, and leaves nothing behind."""
        try:
            self.world.is_broken = False
            for instance, run in self.runs.items():
                await allowed(self.host.host.client.control(instance, Kind.RESUME, ""))
                for _ in run.plan:
                    await self._send(instance)
            await self.host.advance(timedelta(days=1))
            for instance, run in self.runs.items():
                self._check(instance, run)
                row, _ = self._look(instance)
                assert row.finished, row
                assert row.status is not Status.FAILED or "the world is broken" in str(row.output)
            assert self._rows_left() == (0, 0, 0)
            most = max(self.world.effects.values(), default=0)
            assert most <= 1 + self.kill_count + (2 if any("retry" in run.plan for run in self.runs.values()) else 1)
        finally:
            await self.host.host.stop()

    def _rows_left(self) -> tuple[int, int, int]:
        """Messages, activities and timers that nobody waits for; a failed instance keeps its events for a rewind."""
        messages = "inbox LEFT JOIN instances USING (instance_id) WHERE kind <> 'raise' OR status IS NOT 'Failed'"
        with closing(sqlite3.connect(self.states[-1] / "host.db")) as connection:
            counts = [
                connection.execute(f"SELECT count(*) FROM {rows}").fetchone()[0]
                for rows in (messages, "activities", "timers")
            ]
        return counts[0], counts[1], counts[2]


async def some_turns(count: int) -> None:
    """Let the host do a little; its threads need time and not only turns."""
    for turn in range(count):
        await asyncio.sleep(0.0005 if turn % 4 == 3 else 0)


async def gather(work: Any) -> None:
    await asyncio.gather(*work)


async def allowed(work: Coroutine[Any, Any, Any]) -> None:
    """Do it, or hear that it cannot be done now."""
    try:
        await work
    except REFUSALS:
        return


def test_any_interleaving_leaves_histories_well_formed(tmp_path_factory: pytest.TempPathFactory) -> None:
    Interleavings.folder = tmp_path_factory.mktemp("interleavings")
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=amount(6, 200),
            stateful_step_count=amount(20, 40),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
