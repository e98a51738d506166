"""Every commit is intended, then completed together with its event, or forgotten: a kill in between loses neither.

What is open after a kill is settled by what the service then says of the blob. Commits to one blob must come one at a
time; the front sees to that.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from signalbox.emulators.database import transaction
from signalbox.emulators.storage.commits import Blob, Commit, event_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS commits (
    number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, container TEXT, path TEXT, api TEXT, url TEXT,
    client_request TEXT, opened REAL, state TEXT DEFAULT 'open', etag TEXT, content_type TEXT, kind TEXT);
CREATE INDEX IF NOT EXISTS commits_by_blob ON commits (account, container, path, number);
CREATE INDEX IF NOT EXISTS commits_open ON commits (number) WHERE state='open';
"""

Publish = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """*number* orders commits over restarts; *opened_at* is before the service saw the request (seconds)."""

    number: int
    commit: Commit
    opened_at: float


class Outbox:
    """*topics* names each account's; *publish* keeps an event of an account in the same *database*."""

    def __init__(self, database: sqlite3.Connection, topics: Mapping[str, str], publish: Publish) -> None:
        self._database, self._topics, self._publish = database, topics, publish
        database.executescript(_SCHEMA)

    def intend(self, commit: Commit) -> Intent:
        now = time.time()
        insertion = self._database.execute(
            "INSERT INTO commits (account, container, path, api, url, client_request, opened) VALUES (?,?,?,?,?,?,?)",
            (commit.account, commit.container, commit.path, commit.api, commit.url, commit.client_request, now),
        )
        return Intent(number=int(insertion.lastrowid or 0), commit=commit, opened_at=now)

    def complete(self, intent: Intent, blob: Blob, request: str) -> None:
        """The commit happened and *blob* is what it wrote; a deletion tells what the last write left."""
        event_blob = (self._last(intent.commit) or blob) if intent.commit.deletes else blob
        with transaction(self._database):
            self._database.execute(
                "UPDATE commits SET state='done', etag=?, content_type=?, kind=? WHERE number=?",
                (event_blob.etag, event_blob.content_type, event_blob.kind, intent.number),
            )
            topic = self._topics[intent.commit.account]
            self._publish(intent.commit.account, event_of(intent.commit, topic, event_blob, request, intent.number))

    def forget(self, intent: Intent) -> None:
        """The commit did not happen."""
        self._database.execute("DELETE FROM commits WHERE number=?", (intent.number,))

    def settle(self, intent: Intent, current: Blob | None, request: str) -> None:
        """Complete or forget an open *intent* by the *current* blob, None where there is none."""
        if self._has_happened(intent, current):
            self.complete(intent, current or Blob(), request)
        else:
            self.forget(intent)

    def open(self) -> list[Intent]:
        """Intents without a known outcome, oldest first."""
        rows = self._database.execute("SELECT * FROM commits WHERE state='open' ORDER BY number")
        return [Intent(number=row["number"], commit=_commit(row), opened_at=row["opened"]) for row in rows]

    def counts(self, hub: str) -> dict[str, int]:
        """Writes by blob: `container/path` in the account *hub*, `account:container/path` in others."""
        rows = self._database.execute(
            "SELECT account, container || '/' || path AS place, COUNT(*) AS times FROM commits"
            " WHERE state='done' AND api<>'DeleteBlob' GROUP BY account, container, path"
        )
        return {
            row["place"] if row["account"] == hub else f"{row['account']}:{row['place']}": row["times"] for row in rows
        }

    def _has_happened(self, intent: Intent, current: Blob | None) -> bool:
        before = self._last(intent.commit)
        if intent.commit.deletes:
            return current is None and before is not None
        # The service tells whole seconds, rounded down. The start is rounded likewise, or a write in its own second
        # would look older than it.
        is_written = current is not None and current.created_at >= int(intent.opened_at)
        return is_written and (before is None or current is None or before.etag != current.etag)

    def _last(self, commit: Commit) -> Blob | None:
        """What the last completed commit left of the blob; None where it was deleted or never written."""
        row = self._database.execute(
            "SELECT * FROM commits WHERE account=? AND container=? AND path=? AND state='done'"
            " ORDER BY number DESC LIMIT 1",
            (commit.account, commit.container, commit.path),
        ).fetchone()
        if row is None or _commit(row).deletes:
            return None
        return Blob(etag=row["etag"], content_type=row["content_type"], kind=row["kind"])


def _commit(row: sqlite3.Row) -> Commit:
    return Commit(
        api=row["api"],
        account=row["account"],
        container=row["container"],
        path=row["path"],
        url=row["url"],
        client_request=row["client_request"],
    )
