"""The one SQLite file, and the one thread that writes to it.

Writes that arrive together share a transaction (group commit), so durability costs one sync for many steps.
It knows connections and transactions, not what is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from signalbox.host.durable.storage.schema import SCHEMA

T = TypeVar("T")
Write = Callable[[sqlite3.Connection], T]
Synchronous = Literal["FULL", "NORMAL"]
_LARGEST_BATCH = 512
_LARGEST_JOURNAL = 16 * 1024 * 1024  # One large transaction would otherwise leave its size on the disk.
# Free pages that stay in the file: the next instances need them.
_SPARE_PAGES, _SPARE_SHARE = 1024, 0.2
_PAGES_AT_ONCE = 500  # Some milliseconds, in which nobody else writes.

_Job = tuple[Write[Any], Callable[[Any, BaseException | None], None]]
_Done = tuple[Callable[[Any, BaseException | None], None], Any, BaseException | None]


class Storage:
    """`host.db` in *folder*: WAL, one writer thread, reads on the caller's thread.

    *synchronous* is SQLite's pragma: FULL survives a power cut, NORMAL survives `kill -9` of the host.
    """

    def __init__(self, folder: Path, synchronous: Synchronous = "FULL") -> None:
        self._path = folder / "host.db"
        self._synchronous = synchronous
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._reader = self._connect()
        self._reader.executescript(SCHEMA)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._serve, name="signalbox-writer", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        # Python's sqlite3 would begin transactions of its own; `_transact` alone does. The thread is not checked
        # because `stop` closes the reader from another one.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=256)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # Of a new file alone, which has no table yet.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute(f"PRAGMA journal_size_limit={_LARGEST_JOURNAL}")
        return connection

    def read(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        """Rows of a query; sees every finished write."""
        return self._reader.execute(sql, parameters).fetchall()

    async def write(self, work: Write[T]) -> T:
        """Run *work* in the next transaction; returns when it is durable. An error undoes only this work."""
        future: asyncio.Future[T] = self._loop.create_future()

        def settle(value: T, error: BaseException | None) -> None:
            if not future.done():
                future.set_exception(error) if error else future.set_result(value)

        self.enqueue(work, settle)
        return await future

    def enqueue(self, work: Write[T], settle: Callable[[T, BaseException | None], None]) -> None:
        """Queue *work* from any thread; *settle* is called on the event loop when it is durable or has failed."""
        self._jobs.put((work, settle))

    async def give_back(self) -> None:
        """Return the pages of erased rows to the file system, a piece at a time. A file of an earlier release, which
        was made without the list of pages that this needs, only uses them again."""
        while await self.write(_shrink):
            pass

    def close(self) -> None:
        """Finish the queued writes and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._reader.close()

    def _serve(self) -> None:
        connection = self._connect()
        while (jobs := self._next_batch()) is not None:
            results = self._commit(connection, jobs)
            with contextlib.suppress(RuntimeError):  # The event loop has closed, so no caller waits for the answer.
                self._loop.call_soon_threadsafe(_settle_all, results)
        connection.close()

    def _next_batch(self) -> list[_Job] | None:
        first = self._jobs.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < _LARGEST_BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                # The end is put back: what came before it is written first.
                self._jobs.put(None)
                break
            batch.append(job)
        return batch

    def _commit(self, connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Done]:
        try:
            return _transact(connection, jobs)
        except Exception as error:
            if len(jobs) == 1:
                return [(jobs[0][1], None, error)]
            # One job's error has undone them all. Each runs a second time, alone, so that its owner alone hears of it:
            # a job must therefore do nothing but SQL.
            return [result for job in jobs for result in self._commit(connection, [job])]


def _transact(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Done]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        results: list[_Done] = [(settle, work(connection), None) for work, settle in jobs]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return results


def _shrink(connection: sqlite3.Connection) -> bool:
    """Give some free pages back; whether there are more to give."""
    free_count = _pragma(connection, "freelist_count")
    surplus = free_count - max(_SPARE_PAGES, int(_pragma(connection, "page_count") * _SPARE_SHARE))
    if surplus <= 0:
        return False
    # Python's module takes one step of a pragma without columns, and a step is a page.
    for _ in range(min(surplus, _PAGES_AT_ONCE)):
        connection.execute("PRAGMA incremental_vacuum(1)").fetchall()
    return surplus > _PAGES_AT_ONCE and _pragma(connection, "freelist_count") < free_count


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _settle_all(results: list[_Done]) -> None:
    for settle, value, error in results:
        settle(value, error)
