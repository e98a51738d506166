"""Group commit: what is written together, and that one bad write spoils only itself."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from signalbox.host.durable.storage.database import Storage

INSERT = "INSERT INTO entities (entity_id, state, updated) VALUES (?, '', '')"


def inserting(key: str) -> object:
    return lambda connection: connection.execute(INSERT, (key,)).rowcount


async def test_a_write_that_fails_undoes_only_itself(tmp_path: Path) -> None:
    storage = Storage(tmp_path, "NORMAL")
    try:
        keys = ["a", "b", "a", "c"]
        writes = [storage.write(inserting(key)) for key in keys]  # type: ignore[arg-type]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert [isinstance(one, sqlite3.IntegrityError) for one in outcomes] == [False, False, True, False]
        stored = [row["entity_id"] for row in storage.read("SELECT entity_id FROM entities ORDER BY entity_id")]
        assert stored == ["a", "b", "c"]
    finally:
        storage.close()


async def test_what_is_queued_is_written_before_closing(tmp_path: Path) -> None:
    storage = Storage(tmp_path, "NORMAL")
    writes = [asyncio.ensure_future(storage.write(inserting(str(key)))) for key in range(50)]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    storage.close()
    await asyncio.gather(*writes)
    again = Storage(tmp_path, "NORMAL")
    assert len(again.read("SELECT 1 FROM entities")) == 50
    again.close()


@pytest.mark.parametrize(("synchronous", "level"), [("NORMAL", 1), ("FULL", 2)])
async def test_the_promised_durability_is_set(tmp_path: Path, synchronous: str, level: int) -> None:
    storage = Storage(tmp_path, synchronous)  # type: ignore[arg-type]
    try:
        found = await storage.write(lambda connection: tuple(connection.execute("PRAGMA synchronous").fetchone()))
        mode = await storage.write(lambda connection: tuple(connection.execute("PRAGMA journal_mode").fetchone()))
        assert (found, mode) == ((level,), ("wal",))
    finally:
        storage.close()
