"""The durable runtime: one serial lane per instance, activities beside them, everything durable before it acts.

The event loop owns all state here; orchestrators run in a thread pool and writes in the storage's thread.
It knows nothing of HTTP or of bindings: functions reach it as plain callables.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from signalbox.host.clock import Clock
from signalbox.host.durable.activities import ActivityFunction, ActivityQueue, Postponed
from signalbox.host.durable.attempts import Attempts
from signalbox.host.durable.entities import EntityFunction, EntityQueue
from signalbox.host.durable.http_calls import HttpCalls
from signalbox.host.durable.model import ActivityRow, Commit, InstanceRow, Kind, Message, Status
from signalbox.host.durable.orchestrations.actions import HTTP_ACTIVITY
from signalbox.host.durable.orchestrations.replay import Orchestrator
from signalbox.host.durable.orchestrations.rewinding import Rewound
from signalbox.host.durable.orchestrations.runner import StepRunner, Written
from signalbox.host.durable.orchestrations.scheduling import Catalogue, new_row_id
from signalbox.host.durable.orchestrations.selection import Selection, select
from signalbox.host.durable.orchestrations.state import Instance
from signalbox.host.durable.storage import tables
from signalbox.host.durable.storage.database import Storage
from signalbox.host.durable.timers import DurableTimers
from signalbox.host.durable.versions import FailureStrategy
from signalbox.host.log import LOGGER, log_invocation
from signalbox.host.settings import DurableSettings

_MOST_IN_MEMORY = 10_000
# A session keeps the app's local variables alive. An instance that gave its session up replays at its next step.
_MOST_SESSIONS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableFunctions:
    """The app's durable functions by name, ready to call."""

    orchestrators: Mapping[str, Orchestrator] = field(default_factory=dict)
    activities: Mapping[str, ActivityFunction] = field(default_factory=dict)
    entities: Mapping[str, EntityFunction] = field(default_factory=dict)

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(
            orchestrators=frozenset(self.orchestrators),
            activities=frozenset(self.activities),
            entities=frozenset(self.entities),
        )


@dataclass(slots=True)
class Lane:
    """An instance's waiting messages, and its state while it is in memory."""

    waiting: deque[Message] = field(default_factory=deque)
    instance: Instance | None = None
    busy: bool = False
    has_news: bool = False


class Engine:
    """Runs the orchestrations of one task hub."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        functions: DurableFunctions,
        settings: DurableSettings,
        is_crowded: Callable[[], bool],
        attempts: Attempts,
    ) -> None:
        """*is_crowded* says whether HTTP callers wait; while they do, few activities start."""
        self._storage = storage
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._watchers: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()
        self._resumable: dict[str, Lane] = {}  # Perhaps with a session; the one that rests longest comes first.
        self._versioning = settings.versioning
        self._runner = StepRunner(storage, clock, functions.orchestrators, functions.catalogue, settings)
        self._timers = DurableTimers(clock, self._post)
        limit = settings.max_activities
        self._http = HttpCalls()
        activities = {**functions.activities, HTTP_ACTIVITY: self._http.call}
        self._activities = ActivityQueue(activities, limit, self._answer, is_crowded, attempts, self._postpone)
        self._entities = EntityQueue(storage, functions.entities, self._deliver, clock)

    # Life

    def recover(self) -> None:
        """Take up everything an earlier host left: instances, messages, activities, timers."""
        for row in self._storage.read("SELECT * FROM inbox ORDER BY id"):
            self._route(tables.read_message(row))
        for row in self._storage.read("SELECT * FROM timers"):
            self._timers.set(tables.read_timer(row))
        self._activities.put([ActivityRow(**row) for row in self._storage.read("SELECT * FROM activities")])
        # A start that was answered just before a kill has left a row and no message: nothing else would wake it
        # (tests/host/test_crash.py).
        unbegun = (
            "SELECT instance_id FROM instances WHERE status IN ('Pending', 'Running') AND NOT EXISTS "
            "(SELECT 1 FROM history WHERE history.instance_id = instances.instance_id)"
        )
        for row in self._storage.read(unbegun):
            self._wake(row["instance_id"])

    async def wind_down(self, grace: float) -> None:
        """Begin nothing new by timer or from the queue; give activities *grace* seconds."""
        self._timers.stop()
        await self._activities.stop(grace)

    async def stop(self) -> None:
        """Let steps finish and forget the rest; the storage has it all."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        self._runner.stop()
        await self._http.close()

    @property
    def idle(self) -> bool:
        """Whether nothing will happen before the clock moves or a call arrives."""
        return not self._tasks and self._activities.idle

    def forget(self, instance_id: str) -> None:
        """Drop what memory holds of an instance that was erased or replaced."""
        lane = self._lanes.pop(instance_id, None)
        if lane is not None and not lane.busy:
            self._release(instance_id, lane)
        self._timers.cancel_all(instance_id)

    # Messages

    def begin(self, row: InstanceRow) -> None:
        """Start an instance whose row has just been written."""
        self.forget(row.instance_id)
        self._lanes[row.instance_id] = Lane(instance=Instance(row=row))
        self._wake(row.instance_id)

    def take_up(self, rewound: Rewound) -> None:
        """Go on with what a rewind has written."""
        for instance_id in rewound.instance_ids:
            self.forget(instance_id)
        for timer in rewound.timers:
            self._timers.set(timer)
        self._activities.put(rewound.activities)
        self._deliver(rewound.messages)

    async def send(self, message: Message) -> None:
        """Store a message for an instance, then deliver it."""
        inbox_message = replace(message, inbox_id=new_row_id())
        await self._storage.write(lambda connection: tables.write_messages(connection, [inbox_message]))
        self._route(inbox_message)

    def watch(self, instance_id: str) -> asyncio.Future[None]:
        """A future that is done when the instance has finished, and that may be cancelled."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchers[instance_id].add(future)
        future.add_done_callback(lambda _: self._unwatch(instance_id, future))
        return future

    def _unwatch(self, instance_id: str, future: asyncio.Future[None]) -> None:
        watchers = self._watchers.get(instance_id, set())
        watchers.discard(future)
        if not watchers:
            self._watchers.pop(instance_id, None)

    def _route(self, message: Message) -> None:
        if message.kind is Kind.OPERATION:
            self._spawn(self._entities.perform(message))
        else:
            self._post(message)

    def _deliver(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._route(message)

    def _post(self, message: Message) -> None:
        self._lanes.setdefault(message.instance_id, Lane()).waiting.append(message)
        self._wake(message.instance_id)

    async def _answer(self, message: Message) -> None:
        """An activity has ended. A busy lane takes the answer later, so the answer is stored meanwhile."""
        lane = self._lanes.get(message.instance_id)
        if lane is not None and lane.busy:
            [message] = await self._store([message])
        self._post(message)

    async def _postpone(self, row: ActivityRow, postponed: Postponed) -> None:
        """Keep what is left of an activity, unless its orchestration has ended, and run it when its time has come."""
        rest = replace(row, input=postponed.input)
        if await self._storage.write(lambda connection: tables.rewrite_activity(connection, rest)):
            self._clock.call_at(self._clock.now() + postponed.delay, lambda: self._activities.put([rest]))

    async def _store(self, answers: list[Message]) -> list[Message]:
        """Keep answers of activities that no step takes yet; the activities will not run again."""
        inbox_messages = [replace(answer, inbox_id=new_row_id(), activity_id=None) for answer in answers]

        def work(connection: tables.Connection) -> None:
            tables.forget_messages(connection, answers)
            tables.write_messages(connection, inbox_messages)

        await self._storage.write(work)
        return inbox_messages

    # Lanes

    def _wake(self, instance_id: str) -> None:
        lane = self._lanes.setdefault(instance_id, Lane())
        lane.has_news = True
        if not lane.busy:
            lane.busy = True
            self._spawn(self._run_lane(instance_id, lane))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_lane(self, instance_id: str, lane: Lane) -> None:
        try:
            while lane.has_news:
                # Cleared before the look and not after it, so that a message which comes during the last look is looked
                # at too.
                lane.has_news = False
                while await self._advance(instance_id, lane):
                    pass
        except tables.StaleExecutionError:
            LOGGER.info("instance=%s was replaced or purged while it ran", instance_id)
            self._release(instance_id, lane)
            lane.instance = None
        except Exception:
            # The step that failed may have changed the instance in memory without writing it, so memory is given up:
            # only the storage says where it stands.
            LOGGER.exception("instance=%s cannot go on; it is taken up again when the host restarts", instance_id)
            self._release(instance_id, lane)
            lane.instance = None
        finally:
            lane.busy = False
            self._settle(instance_id, lane)

    def _settle(self, instance_id: str, lane: Lane) -> None:
        """Drop the instance from memory if it is finished, unknown or replaced, or if there are too many."""
        if self._lanes.get(instance_id) is not lane:
            self._release(instance_id, lane)
        elif lane.waiting or not self._is_dispensable(lane.instance):
            self._limit_sessions(instance_id, lane)
        else:
            self._release(instance_id, lane)
            del self._lanes[instance_id]

    def _is_dispensable(self, instance: Instance | None) -> bool:
        return instance is None or instance.row.finished or len(self._lanes) > _MOST_IN_MEMORY

    def _limit_sessions(self, instance_id: str, lane: Lane) -> None:
        """Note that *lane* may have a session, and take the session of the lane that has rested longest."""
        self._resumable.pop(instance_id, None)
        self._resumable[instance_id] = lane
        if len(self._resumable) > _MOST_SESSIONS:
            oldest = self._resumable.pop(next(iter(self._resumable)))
            if not oldest.busy:
                self._runner.release(oldest.instance)

    def _release(self, instance_id: str, lane: Lane) -> None:
        self._resumable.pop(instance_id, None)
        self._runner.release(lane.instance)

    async def _advance(self, instance_id: str, lane: Lane) -> bool:
        """Take one step, if a message allows one; whether another may follow."""
        instance = lane.instance = lane.instance or self._load(instance_id)
        if instance is None or instance.row.finished:
            return await self._forget_messages(lane, instance)
        if self._is_left(instance):
            await self._put_aside(lane, Selection(later_messages=list(lane.waiting)))
            return False
        selection = select(instance, lane.waiting)
        lane.waiting = deque(selection.later_messages)
        # The first step needs no message: its news is that the instance exists.
        if not selection.step_messages and (instance.started or instance.row.status is Status.SUSPENDED):
            await self._put_aside(lane, selection)
            return False
        await self._step(lane, instance, selection)
        return True

    def _is_left(self, instance: Instance) -> bool:
        """Whether *instance* is of a version that another host has to run. Not even an end from outside reaches it,
        as on Azure, where the whole work item goes back into its queue."""
        if self._versioning.may_run(instance.row.version) or self._versioning.failure is FailureStrategy.FAIL:
            return False
        LOGGER.warning(
            "instance=%s waits: its version is %s, and this app runs %s",
            instance.row.instance_id,
            instance.row.version or "none",
            self._versioning.default or "none",
        )
        return True

    async def _put_aside(self, lane: Lane, selection: Selection) -> None:
        await self._drop(selection.stale_messages)
        # Nobody may take these answers for days (a suspended instance). Until they are stored, their activities' rows
        # remain, and a restart would run the activities again.
        answers = [message for message in selection.later_messages if message.activity_id is not None]
        if answers:
            other_messages = [message for message in selection.later_messages if message.activity_id is None]
            # What was posted while the answers were written stands behind them, and must not be lost with the old
            # queue.
            lane.waiting = deque(
                [*other_messages, *await self._store(answers), *list(lane.waiting)[len(selection.later_messages) :]]
            )

    async def _forget_messages(self, lane: Lane, instance: Instance | None) -> bool:
        has_failed = instance is not None and instance.row.status is Status.FAILED
        # The storage keeps the events of an instance that has failed, for a rewind.
        late = [message for message in lane.waiting if not (has_failed and message.kind is Kind.RAISE)]
        lane.waiting.clear()
        await self._drop(late)
        return bool(lane.waiting)

    async def _drop(self, messages: list[Message]) -> None:
        if messages:
            await self._storage.write(lambda connection: tables.forget_messages(connection, messages))

    def _load(self, instance_id: str) -> Instance | None:
        rows = self._storage.read("SELECT * FROM instances WHERE instance_id = ?", instance_id)
        if not rows:
            return None
        steps = self._storage.read("SELECT events FROM history WHERE instance_id = ? ORDER BY step", instance_id)
        return Instance.load(tables.read_instance(rows[0]), [step["events"] for step in steps])

    async def _step(self, lane: Lane, instance: Instance, selection: Selection) -> None:
        start = time.perf_counter()
        durable_step = await self._runner.run(instance, selection)
        self._act(lane, durable_step)
        _log_step(durable_step.commit, time.perf_counter() - start)

    def _act(self, lane: Lane, durable_step: Written) -> None:
        """Act on a step that is durable: wake children, queue activities, set timers, deliver messages."""
        commit, row = durable_step.commit, durable_step.commit.row
        if commit.is_restart:
            lane.instance = Instance(row=row)
        if commit.is_restart or row.finished:
            self._timers.cancel_all(row.instance_id)
        for number in commit.closed_timers:
            self._timers.cancel(row.instance_id, number)
        for timer in commit.timers:
            self._timers.set(timer)
        self._activities.put(commit.activities)
        for child in durable_step.children:
            self.begin(child)
        self._deliver(durable_step.messages)
        if row.finished:
            for future in self._watchers.pop(row.instance_id, ()):
                if not future.done():
                    future.set_result(None)


def _log_step(commit: Commit, seconds: float) -> None:
    row = commit.row
    outcome = "continued" if commit.is_restart else row.status.lower()
    detail = f"output={row.output}" if row.status is Status.FAILED else ""
    log_invocation(row.name, outcome, seconds, row.instance_id, detail)
