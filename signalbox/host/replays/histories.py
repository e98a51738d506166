"""Histories of orchestrations as they are stored: read from a host's database or from files, and written to files.

A file is one JSON object: `format`, `instance` (a row of the host) and `turns`, each a list of history events with the
names and codes of the Durable Task Framework.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signalbox.host.durable.history import Event, from_line
from signalbox.host.durable.model import FINISHED, InstanceRow, Parent, Status
from signalbox.host.durable.storage.tables import read_instance
from signalbox.host.errors import HostError

_FORMAT = "signalbox.history/1"
HOST, AZURE = "host", "azure-storage"


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """An instance and its *turns* in order: of each, what the orchestrator was told and what it decided. *origin* says
    who has stored them: this host, or the Durable extension in Azure Storage, which stores less."""

    row: InstanceRow
    turns: Sequence[Sequence[Event]]
    origin: str = HOST

    def to_json(self) -> dict[str, Any]:
        return {"format": _FORMAT, "origin": self.origin, "instance": asdict(self.row), "turns": self.turns}

    @classmethod
    def from_json(cls, content: Any) -> StoredHistory:
        """Raises HostError where *content* is no history."""
        if not isinstance(content, Mapping) or content.get("format") != _FORMAT:
            raise HostError(
                f"this is no history: its field 'format' is not {_FORMAT!r}; `signalbox replay --export` writes one"
            )
        try:
            fields = dict(content["instance"])
            parent = fields.pop("parent", None)
            row = InstanceRow(
                **{**fields, "status": Status(fields["status"])}, parent=Parent(**parent) if parent else None
            )
            turns = [[dict(event) for event in turn] for turn in content["turns"]]
        except (KeyError, TypeError, ValueError) as error:
            raise HostError(f"this history cannot be read: {type(error).__name__}: {error}") from error
        return cls(row=row, turns=turns, origin=str(content.get("origin", HOST)))


def read_database(folder: Path, ids: Iterable[str]) -> Iterator[StoredHistory]:
    """The histories of *ids* in the state *folder* of a host, which may be running; of all that have not ended where
    none is named. Raises HostError where there is no such host, or no such instance."""
    path = folder / "host.db"
    if not path.is_file():
        raise HostError(f"{folder} holds no state of a host: name the folder of `signalbox host start --state`")
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        for instance_id in [*ids] or _in_flight(connection):
            yield _read(connection, instance_id)


def _in_flight(connection: sqlite3.Connection) -> list[str]:
    ended = tuple(FINISHED)
    marks = ", ".join("?" * len(ended))
    query = f"SELECT instance_id FROM instances WHERE status NOT IN ({marks}) ORDER BY created, instance_id"
    return [row[0] for row in connection.execute(query, ended)]


def _read(connection: sqlite3.Connection, instance_id: str) -> StoredHistory:
    row = connection.execute("SELECT * FROM instances WHERE instance_id = ?", (instance_id,)).fetchone()
    if row is None:
        raise HostError(f"there is no instance {instance_id!r} in this host: it may have been purged")
    steps = connection.execute("SELECT events FROM history WHERE instance_id = ? ORDER BY step", (instance_id,))
    return StoredHistory(
        row=read_instance(row),
        turns=[[from_line(line) for line in step["events"].split("\n")] for step in steps],
    )


def read_files(path: Path) -> Iterator[StoredHistory]:
    """The history in the file *path*, or those in the files of a folder. Raises HostError, which names the file."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise HostError(f"{path} holds no history: there is no file *.json in it")
    for file in files:
        try:
            yield StoredHistory.from_json(json.loads(file.read_bytes()))
        except (ValueError, HostError) as error:
            raise HostError(f"{file}: {error}") from error


def write_file(history: StoredHistory, folder: Path) -> Path:
    """Write *history* into *folder*, under a name made of its instance; where it lies now."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in history.row.instance_id)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(history.to_json(), indent=1) + "\n", encoding="utf-8")
    return path
