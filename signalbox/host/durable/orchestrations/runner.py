"""Take steps in a thread of their own and hand what they change straight to the storage's thread.

The event loop hears of a step once it is durable.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from signalbox.host.clock import Clock
from signalbox.host.durable.history import Code, event
from signalbox.host.durable.model import FINISHED, Commit, InstanceRow, Kind, Message
from signalbox.host.durable.orchestrations.replay import Orchestrator
from signalbox.host.durable.orchestrations.scheduling import Catalogue, new_row_id
from signalbox.host.durable.orchestrations.selection import Selection
from signalbox.host.durable.orchestrations.state import Instance, Session
from signalbox.host.durable.orchestrations.step import Surroundings, control_step, mismatch_step, take_step
from signalbox.host.durable.storage import tables
from signalbox.host.durable.storage.database import Storage
from signalbox.host.log import LOGGER
from signalbox.host.moments import to_text
from signalbox.host.settings import DurableSettings
from signalbox.host.workers.threads import Threads

_THREADS = 2
# The first instances of an orchestrator are those that its developer looks at, and a process of tests has no others.
_FIRST_CHECKED, _CHECKED_OF = 100, 16


@dataclass(frozen=True, slots=True)
class Written:
    """A durable step, the children that were started and the messages that are on their way."""

    commit: Commit
    children: list[InstanceRow]
    messages: list[Message]


class StepRunner:
    """Runs as many orchestrators at once as *settings* allow, though no more than pay under one interpreter lock."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        orchestrators: Mapping[str, Orchestrator],
        catalogue: Catalogue,
        settings: DurableSettings,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._orchestrators = {name.lower(): orchestrator for name, orchestrator in orchestrators.items()}
        self._catalogue = catalogue
        self._keeps_sessions = settings.keep_sessions
        self._versioning = settings.versioning
        self._is_strict = settings.strict_replay
        self._begun = Counter[str]()
        self._loop = asyncio.get_running_loop()
        self._threads = Threads(min(settings.max_orchestrators, _THREADS), "orchestrator")

    async def run(self, instance: Instance, selection: Selection) -> Written:
        """Take the step that *selection* allows and return when it is durable."""
        name = instance.row.name.lower()
        orchestrator = self._orchestrators[name]
        if not instance.started:
            self._begun[name] += 1
            instance.is_checked = self._begun[name] <= _FIRST_CHECKED or self._begun[name] % _CHECKED_OF == 0
        future: asyncio.Future[Written] = self._loop.create_future()

        def settle(durable_step: Written | None, error: BaseException | None) -> None:
            if error is not None:
                future.set_exception(error)
            elif durable_step is not None:
                future.set_result(durable_step)

        def work() -> None:
            try:
                commit = self._take(instance, selection, orchestrator)
            except Exception as error:
                self._loop.call_soon_threadsafe(settle, None, error)
            else:
                self._storage.enqueue(lambda connection: _write(connection, commit), settle)

        self._threads.submit(work)
        return await future

    def release(self, instance: Instance | None) -> None:
        """Give up the session of *instance*. The app's `finally` blocks run, so they run in a thread of the app."""
        if instance is not None and instance.session is not None:
            session, instance.session = instance.session, None
            self._threads.submit(lambda: _close(session, instance.row.instance_id))

    def stop(self) -> None:
        self._threads.stop()
        self._threads.join()

    def _take(self, instance: Instance, selection: Selection, orchestrator: Orchestrator) -> Commit:
        around = Surroundings(
            now=to_text(self._clock.now()),
            catalogue=self._catalogue,
            versioning=self._versioning,
            strict=self._is_strict,
        )
        if not self._versioning.may_run(instance.row.version):
            commit = mismatch_step(instance, selection.step_messages, around)
        elif selection.control is not None:
            commit = control_step(instance, selection.control, around)
        else:
            commit = take_step(instance, selection.step_messages, orchestrator, around)
        if not self._keeps_sessions:
            instance.session = None
        commit.consumed_messages += selection.stale_messages
        commit.messages = [replace(message, inbox_id=new_row_id()) for message in commit.messages]
        return commit


def _close(session: Session, instance_id: str) -> None:
    try:
        session.close()
    except Exception:
        LOGGER.warning("instance=%s raised an error when it was given up", instance_id, exc_info=True)


def _write(connection: tables.Connection, commit: Commit) -> Written:
    tables.write_commit(connection, commit)
    children, refusals = list[InstanceRow](), list[Message]()
    for child in commit.children:
        refusal = _write_child(connection, child)
        refusals.append(refusal) if refusal else children.append(child)
    return Written(commit, children, [*commit.messages, *refusals])


def _write_child(connection: tables.Connection, child: InstanceRow) -> Message | None:
    """Write a sub-orchestration's row; when its id is taken, the message that says so to its parent."""
    status = tables.status_of(connection, child.instance_id)
    if status is None or status in FINISHED:
        tables.erase(connection, child.instance_id)
        tables.write_instance(connection, child)
        return None
    assert child.parent is not None
    reason = f"An Orchestration instance with the status {status} already exists."
    body = event(Code.CHILD_FAILED, "", TaskScheduledId=child.parent.task_id, Reason=reason, Details="")
    refusal = Message(
        instance_id=child.parent.instance_id,
        execution_id=child.parent.execution_id,
        kind=Kind.ANSWER,
        body=body,
        inbox_id=new_row_id(),
    )
    tables.write_messages(connection, [refusal])
    return refusal
