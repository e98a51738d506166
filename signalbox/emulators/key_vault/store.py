"""The vault's keys in SQLite, every version for good, and counts of operations. Private keys never leave it."""

import json
from pathlib import Path
from typing import Any

from signalbox.emulators.database import open_database

Document = dict[str, Any]


class Store:
    def __init__(self, path: Path) -> None:
        self._database = open_database(path)
        self._database.executescript(
            "CREATE TABLE IF NOT EXISTS versions"
            " (number INTEGER PRIMARY KEY, name TEXT, version TEXT UNIQUE, pem BLOB, body TEXT);"
            "CREATE TABLE IF NOT EXISTS permissions (oid TEXT PRIMARY KEY, body TEXT);"
            "CREATE TABLE IF NOT EXISTS effects (name TEXT PRIMARY KEY, times INTEGER);"
        )

    def add(self, name: str, version: str, pem: bytes, body: Document) -> None:
        self._database.execute(
            "INSERT INTO versions (name, version, pem, body) VALUES (?, ?, ?, ?)",
            (name.lower(), version, pem, json.dumps(body)),
        )

    def put(self, name: str, version: str, body: Document) -> None:
        self._database.execute(
            "UPDATE versions SET body=? WHERE name=? AND version=?", (json.dumps(body), name.lower(), version)
        )

    def get(self, name: str, version: str = "") -> tuple[bytes, Document] | None:
        """The private key and the document of a version, the newest where none is named."""
        row = self._database.execute(
            "SELECT pem, body FROM versions WHERE name=? AND (version=? OR ?='') ORDER BY number DESC LIMIT 1",
            (name.lower(), version, version),
        ).fetchone()
        return None if row is None else (bytes(row["pem"]), json.loads(row["body"]))

    def versions(self, name: str) -> list[Document]:
        """The oldest first."""
        rows = self._database.execute("SELECT body FROM versions WHERE name=? ORDER BY number", (name.lower(),))
        return [json.loads(row["body"]) for row in rows]

    def newest(self) -> list[Document]:
        """The newest version of every key, by name."""
        rows = self._database.execute(
            "SELECT body FROM versions WHERE number IN (SELECT max(number) FROM versions GROUP BY name) ORDER BY name"
        )
        return [json.loads(row["body"]) for row in rows]

    def permissions(self, oid: str) -> dict[str, list[str]] | None:
        row = self._database.execute("SELECT body FROM permissions WHERE oid=?", (oid,)).fetchone()
        return None if row is None else dict(json.loads(row["body"]))

    def permit(self, oid: str, permissions: dict[str, list[str]]) -> None:
        self._database.execute(
            "INSERT INTO permissions VALUES (?, ?) ON CONFLICT (oid) DO UPDATE SET body=excluded.body",
            (oid, json.dumps(permissions)),
        )

    def count(self, name: str) -> None:
        self._database.execute(
            "INSERT INTO effects VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET times = times + 1", (name,)
        )

    def effects(self) -> dict[str, int]:
        return {row["name"]: row["times"] for row in self._database.execute("SELECT * FROM effects ORDER BY name")}
