"""Events that started nothing, a line for each in the log of its day: when it came, from where, and why it was ignored.

Nothing secret is kept: what looks like a signature, a key or a token is taken out before a line is written.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from shared.codec import UndecodableError, decode, encode
from shared.domain.access.redaction import without_secrets
from shared.records import paths
from shared.records.line_logs import LinePlace, append_line, lines_before
from shared.records.store import RecordStore, read_json

_LONGEST_TEXT = 1200  # Of a subject, which has a container and a blob's name, and of a reason.


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredEvent:
    """An event that started nothing: *at* it was taken in, *reason* says why nothing followed.

    *source* and *type* are those of its envelope; records of earlier releases do not have them.
    """

    event: str
    subject: str
    at: str
    reason: str
    source: str = ""
    type: str = ""


def note_ignored(store: RecordStore, day: date, event: IgnoredEvent) -> None:
    """Add *event* to the log of *day*, without secrets and with texts of a bounded length."""
    longest = {"event": 256, "type": 128, "source": 512}
    texts = {name: text[: longest.get(name, _LONGEST_TEXT)] for name, text in without_secrets(encode(event)).items()}
    append_line(store.hub, store.container, paths.ignored(day.isoformat()), json.dumps(texts, sort_keys=True).encode())


def ignored_events(
    store: RecordStore, day: date | None = None, place: LinePlace | None = None
) -> Iterator[tuple[LinePlace, IgnoredEvent]]:
    """The ignored events, the newest first, each with its place: of *day* where it is given, and before *place*."""
    prefix = paths.ignored_events(day.isoformat() if day else "")
    for line_place, line in lines_before(store.hub, store.container, prefix, place):
        yield line_place, _event(line)


def _event(line: bytes) -> IgnoredEvent:
    try:
        return decode(IgnoredEvent, without_secrets(read_json(line)))  # Older lines may have been written with secrets.
    except UndecodableError:
        return IgnoredEvent(event="", subject="", at="", reason="its record cannot be read")
