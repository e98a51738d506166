"""Azure Resource Manager resources as JSON documents in SQLite, by their path in lower case."""

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing done to the world, for tests to count: `assets`, `deployments`, `traffic` or `deletions`, by name."""

    kind: str
    name: str


class Resources:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "CREATE TABLE IF NOT EXISTS resources (path TEXT PRIMARY KEY, number INTEGER, body TEXT);"
            "CREATE TABLE IF NOT EXISTS effects (kind TEXT, name TEXT, times INTEGER, PRIMARY KEY (kind, name));"
        )

    def put(self, path: str, body: dict[str, Any], effect: Effect | None = None) -> None:
        self.put_all({path: body}, effect)

    def put_all(self, bodies: Mapping[str, dict[str, Any]], effect: Effect | None = None) -> None:
        """All of them and the count of the *effect* or, where the process dies, none."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            self._count(effect)
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
                "SELECT path, body FROM resources WHERE substr(path, 1, ?) = ? ORDER BY number DESC",
                (len(start), start),
            ).fetchall()
        return [json.loads(body) for own_path, body in rows if "/" not in own_path[len(start) :]]

    def below(self, path: str) -> list[tuple[str, dict[str, Any]]]:
        """Every resource at any depth below *path* with its own path in lower case, by path."""
        start = path.lower().rstrip("/") + "/"
        with self._lock:
            rows = self._database.execute(
                "SELECT path, body FROM resources WHERE substr(path, 1, ?) = ? ORDER BY path", (len(start), start)
            ).fetchall()
        return [(own_path, json.loads(body)) for own_path, body in rows]

    def delete(self, path: str, effect: Effect | None = None) -> bool:
        """With everything below it; the *effect* is counted if there was anything."""
        start = path.lower().rstrip("/") + "/"
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            deletion = self._database.execute(
                "DELETE FROM resources WHERE path=? OR substr(path, 1, ?) = ?", (path.lower(), len(start), start)
            )
            self._count(effect if deletion.rowcount else None)
            self._database.execute("COMMIT")
        return deletion.rowcount > 0

    def effects(self) -> dict[str, dict[str, int]]:
        """How often what happened, by kind and name."""
        with self._lock:
            rows = self._database.execute("SELECT kind, name, times FROM effects ORDER BY kind, name").fetchall()
        counts: dict[str, dict[str, int]] = {}
        for kind, name, times in rows:
            counts.setdefault(kind, {})[name] = times
        return counts

    def _count(self, effect: Effect | None) -> None:
        if effect is not None:
            self._database.execute(
                "INSERT INTO effects VALUES (?, ?, 1) ON CONFLICT (kind, name) DO UPDATE SET times = times + 1",
                (effect.kind, effect.name),
            )
