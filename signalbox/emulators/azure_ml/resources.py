"""Azure Resource Manager resources as JSON documents in SQLite, by their path in lower case."""

import json
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Resources:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "CREATE TABLE IF NOT EXISTS resources (path TEXT PRIMARY KEY, number INTEGER, body TEXT);"
        )

    def put(self, path: str, body: dict[str, Any]) -> None:
        self.put_all({path: body})

    def put_all(self, bodies: Mapping[str, dict[str, Any]]) -> None:
        """All of them or, where the process dies, none."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT INTO resources VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM resources), ?)"
                " ON CONFLICT (path) DO UPDATE SET body=excluded.body",
                [(path.lower(), json.dumps(body)) for path, body in bodies.items()],
            )
            self._database.execute("COMMIT")

    def get(self, path: str) -> dict[str, Any] | None:
        with self._lock:
            row = self._database.execute("SELECT body FROM resources WHERE path=?", (path.lower(),)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def children(self, path: str) -> list[dict[str, Any]]:
        """The resources directly in the collection *path*, newest first."""
        start = path.lower().rstrip("/") + "/"
        with self._lock:
            rows = self._database.execute(
                "SELECT path, body FROM resources WHERE path LIKE ? ORDER BY number DESC", (f"{start}%",)
            ).fetchall()
        return [json.loads(body) for there, body in rows if "/" not in there[len(start) :]]

    def delete(self, path: str) -> bool:
        with self._lock:
            done = self._database.execute(
                "DELETE FROM resources WHERE path=? OR path LIKE ?", (path.lower(), f"{path.lower()}/%")
            )
        return done.rowcount > 0
