"""The organisation's state as JSON documents in SQLite by kind and id, and counts of its changes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signalbox.emulators.database import open_database, transaction

Document = dict[str, Any]


class Store:
    def __init__(self, path: Path) -> None:
        self._database = open_database(path)
        self._database.executescript(
            "CREATE TABLE IF NOT EXISTS documents"
            " (number INTEGER PRIMARY KEY, kind TEXT, id TEXT, body TEXT, UNIQUE (kind, id));"
            "CREATE TABLE IF NOT EXISTS effects (kind TEXT, name TEXT, times INTEGER, PRIMARY KEY (kind, name));"
        )

    def get(self, kind: str, name: object) -> Document | None:
        row = self._database.execute(
            "SELECT body FROM documents WHERE kind=? AND id=?", (kind, str(name).lower())
        ).fetchone()
        return None if row is None else dict(json.loads(row["body"]))

    def put(self, kind: str, name: object, body: Document) -> None:
        self._database.execute(
            "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body=excluded.body",
            (kind, str(name).lower(), json.dumps(body)),
        )

    def delete(self, kind: str, name: object) -> None:
        self._database.execute("DELETE FROM documents WHERE kind=? AND id=?", (kind, str(name).lower()))

    def all(self, kind: str) -> list[Document]:
        """The oldest first."""
        rows = self._database.execute("SELECT body FROM documents WHERE kind=? ORDER BY number", (kind,))
        return [json.loads(row["body"]) for row in rows]

    def change(self, kind: str, name: object, change: Callable[[Document], None]) -> Document:
        """The document after *change*. Raises KeyError where there is none."""
        with transaction(self._database):
            body = self.get(kind, name)
            if body is None:
                raise KeyError(f"{kind} {name}")
            change(body)
            self.put(kind, name, body)
        return body

    def next_number(self, kind: str) -> int:
        """1, 2, 3 and so on, never given twice."""
        with transaction(self._database):
            self.count("numbers", kind)
            return self.effects()["numbers"][kind]

    def count(self, kind: str, name: str) -> None:
        self._database.execute(
            "INSERT INTO effects VALUES (?, ?, 1) ON CONFLICT (kind, name) DO UPDATE SET times = times + 1",
            (kind, name),
        )

    def effects(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for row in self._database.execute("SELECT kind, name, times FROM effects ORDER BY kind, name"):
            counts.setdefault(row["kind"], {})[row["name"]] = row["times"]
        return counts
