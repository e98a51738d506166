"""The ledger's transactions in SQLite. A transaction has a view and a number; it is pending, then committed.

The connection refuses to change or delete what is committed: triggers of the database do, as the ledger itself would.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from signalbox.emulators.database import open_database

_FIRST_VIEW = 2  # As a new service begins: the first view opens it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    id: str
    number: int
    collection: str
    contents: str
    committed: bool


class Store:
    """*commit_s* is how long a transaction is pending; `hold` lets none be committed."""

    def __init__(self, path: Path, commit_s: float) -> None:
        self._commit_s = commit_s
        self._database = open_database(path)
        self._database.executescript(
            "CREATE TABLE IF NOT EXISTS transactions (number INTEGER PRIMARY KEY AUTOINCREMENT, view INTEGER,"
            " collection TEXT, contents TEXT, author TEXT, at REAL, committed INTEGER DEFAULT 0);"
            "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER);"
            "CREATE TRIGGER IF NOT EXISTS no_change BEFORE UPDATE ON transactions WHEN OLD.committed = 1"
            " BEGIN SELECT RAISE(ABORT, 'a committed transaction is not changed'); END;"
            "CREATE TRIGGER IF NOT EXISTS no_removal BEFORE DELETE ON transactions WHEN OLD.committed = 1"
            " BEGIN SELECT RAISE(ABORT, 'a committed transaction is not removed'); END;"
        )

    def add(self, collection: str, contents: str, author: str) -> str:
        """The id of the new transaction, which is pending."""
        view = self._state("view", _FIRST_VIEW)
        number = self._database.execute(
            "INSERT INTO transactions (view, collection, contents, author, at) VALUES (?, ?, ?, ?, ?)",
            (view, collection, contents, author, time.time()),
        ).lastrowid
        return f"{view}.{number}"

    def find(self, transaction: str) -> Transaction | None:
        """None where the ledger has none of that id, or has lost it."""
        return next(iter(self._read("view || '.' || number = ?", (transaction,))), None)

    def newest(self, collection: str) -> Transaction | None:
        """The last one of *collection*, pending or not: a node answers from what it has in memory."""
        return next(iter(self._read("collection = ? ORDER BY number DESC LIMIT 1", (collection,))), None)

    def committed(self, collection: str, first: int, last: int, most: int) -> list[Transaction]:
        """At most *most* of *collection*, from number *first* to *last*."""
        clause = "collection = ? AND committed = 1 AND number BETWEEN ? AND ? ORDER BY number LIMIT ?"
        return self._read(clause, (collection, first, last, most))

    def collections(self, after: str, most: int) -> list[str]:
        rows = self._database.execute(
            "SELECT DISTINCT collection FROM transactions WHERE collection > ? ORDER BY collection LIMIT ?",
            (after, most),
        )
        return [row["collection"] for row in rows]

    def hold(self, held: bool) -> None:
        """Commit nothing from now on, or again."""
        self._set("held", int(held))

    def lose(self) -> None:
        """What is pending is lost, as where the node that took it dies; later transactions have another view."""
        self._commit()
        self._database.execute("DELETE FROM transactions WHERE committed = 0")
        self._set("view", self._state("view", _FIRST_VIEW) + 1)

    def _read(self, clause: str, values: tuple[object, ...]) -> list[Transaction]:
        self._commit()
        rows = self._database.execute(f"SELECT * FROM transactions WHERE {clause}", values)
        return [
            Transaction(
                id=f"{row['view']}.{row['number']}",
                number=row["number"],
                collection=row["collection"],
                contents=row["contents"],
                committed=bool(row["committed"]),
            )
            for row in rows
        ]

    def _commit(self) -> None:
        if not self._state("held", 0):
            latest = time.time() - self._commit_s
            self._database.execute("UPDATE transactions SET committed = 1 WHERE committed = 0 AND at <= ?", (latest,))

    def _state(self, name: str, default: int) -> int:
        row = self._database.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return default if row is None else int(row["value"])

    def _set(self, name: str, value: int) -> None:
        self._database.execute(
            "INSERT INTO state VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value=excluded.value", (name, value)
        )
