"""Sessions: messages of one key go to one receiver at a time, in order; each has a lock and a state of its own."""

from signalbox.emulators.database import transaction
from signalbox.emulators.service_bus.broker import Broker, RefusedError

LOST = "com.microsoft:session-lock-lost"
TAKEN = "com.microsoft:session-cannot-be-locked"

_WAITING = """
SELECT session FROM messages AS m WHERE entity = ? AND state = 0 AND token IS NULL AND (expires IS NULL OR expires > ?)
AND NOT EXISTS (SELECT 1 FROM sessions AS s WHERE s.entity = m.entity AND s.id = m.session AND s.owner IS NOT NULL)
ORDER BY seq LIMIT 1
"""
_ACCEPT = """
INSERT INTO sessions (entity, id, owner, locked_until) VALUES (?, ?, ?, ?)
ON CONFLICT (entity, id) DO UPDATE SET owner = excluded.owner, locked_until = excluded.locked_until
"""


_NAMES = """
SELECT session FROM messages
    WHERE entity = :entity AND session IS NOT NULL AND state = 0 AND (:since IS NULL OR enqueued >= :since)
UNION SELECT id FROM sessions
    WHERE entity = :entity AND state IS NOT NULL AND (:since IS NULL OR updated >= :since)
ORDER BY 1
"""
_RENEW = "UPDATE sessions SET locked_until = ? WHERE entity = ? AND id = ? AND owner IS NOT NULL AND locked_until > ?"


class Sessions:
    """*owner* names the receiver that holds a session."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._database = broker, broker.database

    def accept(self, path: str, session: str | None, owner: str) -> tuple[str, float] | None:
        """Lock *session*, or the next with messages: its id and until when. None where there is none to lock now.

        Raises RefusedError where another receiver holds the one that was named.
        """
        path = path.lower()
        with transaction(self._database):
            if session is None:
                row = self._database.execute(_WAITING, (path, self._broker.clock())).fetchone()
                if row is None:
                    return None
                session = str(row[0])
            elif self._held_session(path, session) is not None:
                raise RefusedError(TAKEN, f"The requested session '{session}' cannot be accepted: it is locked.")
            until = self._until(path)
            self._database.execute(_ACCEPT, (path, session, owner, until))
            return session, until

    def release(self, path: str, session: str, owner: str) -> None:
        """The receiver closed: what it held is free again, and no delivery is counted, as in the service."""
        path = path.lower()
        key = (path, session, owner)
        sql = "UPDATE sessions SET owner = NULL, locked_until = NULL WHERE entity = ? AND id = ? AND owner = ?"
        free = "UPDATE messages SET token = NULL, locked_until = NULL WHERE entity = ? AND session = ?"
        with transaction(self._database):
            if self._database.execute(sql, key).rowcount == 1:
                self._database.execute(free, (path, session))
        self._broker.announce(path)

    def release_all(self) -> None:
        """Every receiver is gone."""
        with transaction(self._database):
            rows = self._database.execute("SELECT entity, id, owner FROM sessions WHERE owner IS NOT NULL").fetchall()
            for entity, session, owner in rows:
                self.release(entity, session, owner)

    def holds(self, path: str, session: str, owner: str) -> bool:
        return self._held_session(path.lower(), session) == owner

    def renew(self, path: str, session: str) -> float:
        """Until when the session is locked now. Raises RefusedError where its lock has run out."""
        path, until = path.lower(), self._until(path)
        if self._database.execute(_RENEW, (until, path, session, self._broker.clock())).rowcount == 0:
            raise RefusedError(LOST, f"The session lock of '{session}' has expired.")
        return until

    def state(self, path: str, session: str) -> bytes | None:
        sql = "SELECT state FROM sessions WHERE entity = ? AND id = ?"
        row = self._database.execute(sql, (path.lower(), session)).fetchone()
        return None if row is None else row[0]

    def set_state(self, path: str, session: str, state: bytes | None) -> None:
        """Raises RefusedError where the session is not locked."""
        sql = "UPDATE sessions SET state = ?, updated = ? WHERE entity = ? AND id = ? AND owner IS NOT NULL"
        row = (state, self._broker.clock(), path.lower(), session)
        if self._database.execute(sql, row).rowcount == 0:
            raise RefusedError(LOST, f"The session lock of '{session}' has expired.")

    def names(self, path: str, since: float | None) -> list[str]:
        """The sessions with messages or a state; with *since*, those with a message or a state from then on."""
        rows = self._database.execute(_NAMES, {"entity": path.lower(), "since": since})
        return [row[0] for row in rows]

    def _held_session(self, path: str, session: str) -> str | None:
        sql = "SELECT owner FROM sessions WHERE entity = ? AND id = ? AND locked_until > ?"
        row = self._database.execute(sql, (path, session, self._broker.clock())).fetchone()
        return None if row is None else row[0]

    def _until(self, path: str) -> float:
        entity = self._broker.namespace.entity(path)
        return self._broker.clock() + (entity.lock_s if entity else 0.0)
