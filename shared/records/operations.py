"""Records of the app's own running: what failed in a sweep and since when, and what a caller's key has started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.codec import UndecodableError
from shared.records import paths
from shared.records.store import LATER, RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPart:
    """Why a part of a sweep fails, and since when it does."""

    because: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What came of a request with an Idempotency-Key; *request* is the digest of what was asked for.

    It has what was started (*orchestration*, *payload*, *accepted*) or what was answered; neither while an answer is
    being worked out.
    """

    request: str
    orchestration: str | None = field(default=None, metadata=LATER)
    payload: Any = field(default=None, metadata=LATER)
    accepted: dict[str, Any] | None = field(default=None, metadata=LATER)
    answer: Any = field(default=None, metadata=LATER)


def failed_parts(store: RecordStore, sweep: str) -> dict[str, FailedPart]:
    """The parts of a sweep that failed when it last ran; none if the record cannot be read."""
    try:
        return store.get(dict[str, FailedPart], paths.failed_parts(sweep)) or {}
    except UndecodableError:
        return {}


def note_failed_parts(store: RecordStore, sweep: str, failures: Mapping[str, str], now: str) -> None:
    """Keep why each part failed, and since when: written only where that has changed."""
    before = failed_parts(store, sweep)
    after = {
        part: FailedPart(because=because, since=before[part].since if part in before else now)
        for part, because in failures.items()
    }
    if after != before:
        store.overwrite(paths.failed_parts(sweep), after)
