"""SQL of the durable runtime: how commits become rows and rows become instances. No decisions are taken here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict

from signalbox.host.durable.model import ActivityRow, Commit, InstanceRow, Kind, Message, Parent, Status, TimerRow

Connection = sqlite3.Connection


class StaleExecutionError(Exception):
    """The instance was replaced or purged while a step of its old execution ran; nothing was written."""


_INSTANCE = (
    "INSERT OR REPLACE INTO instances (instance_id, execution_id, name, version, status, input, output, "
    "custom_status, parent, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def write_instance(connection: sqlite3.Connection, row: InstanceRow) -> None:
    parent = json.dumps(asdict(row.parent)) if row.parent else None
    values = (row.instance_id, row.execution_id, row.name, row.version, str(row.status), row.input, row.output)
    connection.execute(_INSTANCE, (*values, row.custom_status, parent, row.created_at, row.updated_at))


def read_instance(row: sqlite3.Row) -> InstanceRow:
    values = dict(row)
    parent = values.pop("parent")
    return InstanceRow(
        created_at=values.pop("created"),
        updated_at=values.pop("updated"),
        status=Status(values.pop("status")),
        parent=Parent(**json.loads(parent)) if parent else None,
        **values,
    )


def status_of(connection: sqlite3.Connection, instance_id: str) -> Status | None:
    row = connection.execute("SELECT status FROM instances WHERE instance_id = ?", (instance_id,)).fetchone()
    return Status(row[0]) if row else None


def erase(connection: sqlite3.Connection, instance_id: str) -> None:
    """Remove an instance with its history, messages and timers; activities that still run end without effect."""
    for table in ("instances", "history", "inbox", "timers"):
        connection.execute(f"DELETE FROM {table} WHERE instance_id = ?", (instance_id,))


def find_instance(connection: sqlite3.Connection, instance_id: str) -> InstanceRow | None:
    row = connection.execute("SELECT * FROM instances WHERE instance_id = ?", (instance_id,)).fetchone()
    return read_instance(row) if row else None


def history_of(connection: sqlite3.Connection, instance_id: str) -> list[str]:
    """The text of each step of the current execution, in order."""
    rows = connection.execute("SELECT events FROM history WHERE instance_id = ? ORDER BY step", (instance_id,))
    return [row["events"] for row in rows]


def write_history(connection: sqlite3.Connection, instance_id: str, steps: Iterable[str]) -> None:
    """Replace the whole history."""
    connection.execute("DELETE FROM history WHERE instance_id = ?", (instance_id,))
    connection.executemany(
        "INSERT INTO history (instance_id, step, events) VALUES (?, ?, ?)",
        [(instance_id, step, text) for step, text in enumerate(steps)],
    )


def waiting_activities(connection: sqlite3.Connection, instance_id: str, execution_id: str) -> frozenset[int]:
    """The numbers of the tasks whose activities have a row."""
    sql = "SELECT task_id FROM activities WHERE instance_id = ? AND execution_id = ?"
    return frozenset(row["task_id"] for row in connection.execute(sql, (instance_id, execution_id)))


def waiting_events(connection: sqlite3.Connection, instance_id: str) -> list[Message]:
    """The external events that the instance has not taken, in order."""
    sql = "SELECT * FROM inbox WHERE instance_id = ? AND kind = ? ORDER BY id"
    return [read_message(row) for row in connection.execute(sql, (instance_id, str(Kind.RAISE)))]


def rewrite_activity(connection: sqlite3.Connection, activity: ActivityRow) -> bool:
    """Store what is left to do of *activity*; False and nothing is left where nobody waits for it any more."""
    waits = (
        "SELECT 1 FROM instances WHERE instance_id = ? AND execution_id = ? "
        "AND status IN ('Pending', 'Running', 'Suspended')"
    )
    update = connection.execute(
        f"UPDATE activities SET input = ? WHERE id = ? AND EXISTS ({waits})",
        (activity.input, activity.id, activity.instance_id, activity.execution_id),
    )
    if update.rowcount == 0:
        connection.execute("DELETE FROM activities WHERE id = ?", (activity.id,))
    return update.rowcount > 0


def write_commit(connection: sqlite3.Connection, commit: Commit) -> None:
    """Write everything a step changed except its children, whose ids may be taken."""
    row = commit.row
    _update_instance(connection, commit)
    if commit.is_restart or row.finished:
        connection.execute("DELETE FROM timers WHERE instance_id = ?", (row.instance_id,))
    if row.finished:
        # A rewind may let a failed instance go on, and then it still takes the events that it was sent.
        kept = str(Kind.RAISE) if row.status is Status.FAILED else ""
        connection.execute("DELETE FROM inbox WHERE instance_id = ? AND kind <> ?", (row.instance_id, kept))
    if commit.is_restart:
        connection.execute("DELETE FROM history WHERE instance_id = ?", (row.instance_id,))
    elif commit.lines:
        values = (row.instance_id, commit.step, "\n".join(commit.lines))
        connection.execute("INSERT INTO history (instance_id, step, events) VALUES (?, ?, ?)", values)
    _take(connection, commit)
    if commit.activities:
        write_activities(connection, commit.activities)
    if commit.timers:
        write_timers(connection, commit.timers)
    if commit.messages:
        write_messages(connection, commit.messages)


_UPDATE = (
    "UPDATE instances SET execution_id = ?, status = ?, input = ?, output = ?, custom_status = ?, updated = ? "
    "WHERE instance_id = ? AND execution_id = ?"
)


def _update_instance(connection: sqlite3.Connection, commit: Commit) -> None:
    row = commit.row
    values = (row.execution_id, str(row.status), row.input, row.output, row.custom_status, row.updated_at)
    update = connection.execute(_UPDATE, (*values, row.instance_id, commit.execution_id))
    if update.rowcount == 0:
        raise StaleExecutionError(row.instance_id)


def _take(connection: sqlite3.Connection, commit: Commit) -> None:
    forget_messages(connection, commit.consumed_messages)
    timer_keys = [(commit.row.instance_id, task_id) for task_id in commit.closed_timers]
    if timer_keys:
        connection.executemany("DELETE FROM timers WHERE instance_id = ? AND task_id = ?", timer_keys)


def forget_messages(connection: sqlite3.Connection, messages: Iterable[Message]) -> None:
    """Delete the rows the *messages* came from."""
    for message in messages:
        if message.inbox_id is not None:
            connection.execute("DELETE FROM inbox WHERE id = ?", (message.inbox_id,))
        if message.activity_id is not None:
            connection.execute("DELETE FROM activities WHERE id = ?", (message.activity_id,))


def write_activities(connection: sqlite3.Connection, rows: Iterable[ActivityRow]) -> None:
    connection.executemany(
        "INSERT INTO activities (id, instance_id, execution_id, task_id, name, input) VALUES (?, ?, ?, ?, ?, ?)",
        [(row.id, row.instance_id, row.execution_id, row.task_id, row.name, row.input) for row in rows],
    )


def write_timers(connection: sqlite3.Connection, rows: Iterable[TimerRow]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO timers (instance_id, execution_id, task_id, fire_at) VALUES (?, ?, ?, ?)",
        [(row.instance_id, row.execution_id, row.task_id, row.fire_at) for row in rows],
    )


def write_messages(connection: sqlite3.Connection, messages: Iterable[Message]) -> None:
    connection.executemany(
        "INSERT INTO inbox (id, instance_id, execution_id, kind, body) VALUES (?, ?, ?, ?, ?)",
        [(m.inbox_id, m.instance_id, m.execution_id, str(m.kind), json.dumps(m.body)) for m in messages],
    )


def read_message(row: sqlite3.Row) -> Message:
    return Message(
        inbox_id=row["id"],
        instance_id=row["instance_id"],
        execution_id=row["execution_id"],
        kind=Kind(row["kind"]),
        body=json.loads(row["body"]),
    )


def read_timer(row: sqlite3.Row) -> TimerRow:
    return TimerRow(**row)
