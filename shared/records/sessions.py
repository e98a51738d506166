"""Records of the console's sessions: that one was opened, by whom, and when it was ended. The cookie has the rest."""

import hashlib
from dataclasses import dataclass, field

from shared.records.store import LATER, RecordStore

SESSIONS = "sessions/"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """*oid* and *name* are the person's; *ended* is None while they are signed in. Times are ISO 8601 UTC."""

    oid: str
    name: str
    opened: str
    ended: str | None = field(default=None, metadata=LATER)


def session_path(sid: str) -> str:
    """The name is a digest: who may read records cannot take up a session."""
    return f"{SESSIONS}{hashlib.sha256(sid.encode()).hexdigest()[:40]}.json"


def record_session(store: RecordStore, sid: str, record: SessionRecord) -> None:
    store.create(session_path(sid), record)


def is_living(store: RecordStore, sid: str) -> bool:
    """Whether the session was opened here and not ended."""
    record = store.get(SessionRecord, session_path(sid))
    return record is not None and record.ended is None


def end_session(store: RecordStore, sid: str, at: str) -> None:
    """End it for good, also where its cookie is still kept."""

    def ended(record: SessionRecord | None) -> SessionRecord | None:
        if record is None or record.ended is not None:
            return None
        return SessionRecord(oid=record.oid, name=record.name, opened=record.opened, ended=at)

    store.change(SessionRecord, session_path(sid), ended)
