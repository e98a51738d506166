"""The rows of a list in the order of time, without a look at each: segments, and a journal of changes.

The index is a copy. It is made of the rows of `shared.records.lists.rows`, and `shared.records.lists.folding` makes it
anew from them. A reader keeps what it has read for as long as its eTag is the same.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeAlias

from shared.domain.failures import Transient
from shared.ports import Blob, DataHub
from shared.records.lists import paths
from shared.records.lists.rows import COLUMNS, RowVersion, listed_versions
from shared.records.store import RecordStore, read_json

# The columns of a kind, those that a newer release has behind them, and the name as the last: workers of both run
# side by side during an upgrade, and a fold by the older one keeps what it does not know.
Entry: TypeAlias = tuple[str, ...]
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexManifest:
    """*segments* are the digests of the segments, the oldest rows first; *built* is when all rows were last listed."""

    segments: tuple[str, ...] = ()
    built: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSet:
    """The rows as of *marker*: *entries* by time, the newest first.

    *changes* counts the lines of the journal by name, since the segments were written that *base* names.
    """

    marker: str
    base: str
    entries: tuple[Entry, ...]
    changes: Mapping[str, int] = field(default_factory=dict)

    def change(self, name: str) -> str:
        """What differs after any change of the row *name*, and after anything that was noted about it."""
        return f"{self.base}/{self.changes.get(name, 0)}"


@dataclass(frozen=True, slots=True)
class IndexLook:
    """What lay in the index's folder at one moment, and the *marker* that this makes."""

    blobs: tuple[Blob, ...]
    marker: str


@dataclass(frozen=True, slots=True)
class _Base:
    """The rows of all segments by name, with their revisions, and in order; *key* says which manifest they are of."""

    key: str
    rows: Mapping[str, tuple[int, Entry]]
    entries: tuple[Entry, ...]


class ListIndex:
    """The index of *kind* in *container*. One instance serves all requests of a worker; it keeps what it has read."""

    def __init__(self, hub: DataHub, container: str, kind: str) -> None:
        self._hub, self._container, self._kind = hub, container, kind
        self._lock = Lock()
        self._base: _Base | None = None
        self._parts: dict[str, tuple[str, list[list[Any]]]] = {}  # The lines of the journal's parts, by path and eTag.
        self._rows: RowSet | None = None

    def look(self) -> IndexLook:
        """Its marker changes whenever a row does, or something that was noted; it costs one listing of a few blobs."""
        blobs = tuple(self._hub.list(self._container, paths.index_folder(self._kind)))
        return IndexLook(blobs=blobs, marker=_marker(blobs))

    def rows(self, look: IndexLook | None = None) -> RowSet:
        """All rows as of *look*, or as they are now; only what has changed since the last time is read."""
        with self._lock:  # Two requests that read the same segments at once would hold them twice.
            for _ in range(_TRIES):
                look = look or self.look()
                if self._rows is not None and self._rows.marker == look.marker:
                    return self._rows
                rows = self._read(look.blobs, look.marker)
                if rows is not None:
                    self._rows = rows
                    return rows
                look = None  # It is over: a fold has removed something of it.
        raise Transient(f"the index of {self._kind} changed {_TRIES} times while it was read")

    def _read(self, blobs: Sequence[Blob], marker: str) -> RowSet | None:
        """None where a fold has removed something since it was listed: there is another manifest then."""
        manifest = next((blob for blob in blobs if blob.path == paths.manifest(self._kind)), None)
        journal = [blob for blob in blobs if blob is not manifest]
        lines = self._journal_lines(journal)
        base = None if lines is None else self._read_base(manifest.etag if manifest else "")
        if lines is None or base is None:
            return None
        return _overlaid(self._kind, base, lines, marker)

    def _journal_lines(self, journal: Iterable[Blob]) -> list[list[Any]] | None:
        parts = dict[str, tuple[str, list[list[Any]]]]()
        for blob in journal:
            etag, lines = self._parts.get(blob.path, ("", []))
            if etag != blob.etag:
                raw = self._hub.read(self._container, blob.path)
                if raw is None or len(raw) < blob.size:  # Folded since, and perhaps begun anew.
                    return None
                lines = [parsed_line(line) for line in raw.splitlines()]
            parts[blob.path] = (blob.etag, lines)
        self._parts = parts
        return [line for _, lines in parts.values() for line in lines]

    def _read_base(self, etag: str) -> _Base | None:
        if self._base is not None and self._base.key == etag:
            return self._base
        if not etag:  # Nobody has folded yet: rows of an earlier release are listed, once.
            versions = listed_versions(self._hub, self._container, self._kind)
            rows = {version.name: (version.revision, entry_of(self._kind, version)) for version in versions}
        else:
            segment_rows = read_segments(self._hub, self._container, self._kind)
            if segment_rows is None:
                return None
            rows = segment_rows
        self._base = _Base(key=etag, rows=rows, entries=_in_order(entry for _, entry in rows.values()))
        return self._base


def entry_of(kind: str, version: RowVersion) -> Entry:
    """The row as the index keeps it."""
    return (*(version.row.get(column, "") for column in COLUMNS[kind]), version.name)


def read_segments(hub: DataHub, container: str, kind: str) -> dict[str, tuple[int, Entry]] | None:
    """The rows of all segments of the manifest that is there now; None where one was removed meanwhile."""
    manifest = RecordStore(hub, container).get(IndexManifest, paths.manifest(kind)) or IndexManifest()
    rows, values = dict[str, tuple[int, Entry]](), dict[str, str]()
    for digest in manifest.segments:
        raw = hub.read(container, paths.segment(kind, digest))
        if raw is None:
            return None
        for name, revision, *columns in json.loads(raw):
            # Routes, models and outcomes are a few words in a hundred thousand rows: each is kept once.
            shared_columns = (values.setdefault(text, text) for text in columns[1:])
            rows[name] = (revision, (columns[0], *shared_columns, *_lacking(kind, columns), name))
    return rows


def _lacking(kind: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Empty values for the columns of *kind* that a release did not have yet when it wrote *columns*."""
    return ("",) * (len(COLUMNS[kind]) - len(columns))


def row_of(kind: str, entry: Entry) -> dict[str, str]:
    """*entry* by column, with `name`; without the columns that this release does not know."""
    return dict(zip(COLUMNS[kind], entry, strict=False)) | {"name": entry[-1]}


def merge_line(kind: str, rows: dict[str, tuple[int, Entry]], line: list[Any]) -> bool:
    """Whether *line* of a journal is a later version of its row, which it then has in *rows*."""
    name, revision, *columns = line
    if not columns or (name in rows and rows[name][0] > revision):
        return False
    rows[name] = (revision, (*columns, *_lacking(kind, columns), name))
    return True


def segment_line(name: str, revision: int, entry: Entry) -> list[Any]:
    return [name, revision, *entry[:-1]]


def parsed_line(line: bytes) -> list[Any]:
    parsed = read_json(line)
    return parsed if isinstance(parsed, list) else ["", 0]


def _overlaid(kind: str, base: _Base, lines: list[list[Any]], marker: str) -> RowSet:
    later, changes = dict[str, tuple[int, Entry]](), dict[str, int]()
    for line in lines:
        changes[line[0]] = changes.get(line[0], 0) + 1
        merge_line(kind, later, line)
    newer = {
        name: entry
        for name, (revision, entry) in later.items()
        if name not in base.rows or base.rows[name][0] <= revision
    }
    if not newer:
        return RowSet(marker=marker, base=base.key, entries=base.entries, changes=changes)
    kept = _without(base.entries, [base.rows[name][1] for name in newer if name in base.rows])
    return RowSet(marker=marker, base=base.key, entries=_joined(kept, _in_order(newer.values())), changes=changes)


def _without(entries: Sequence[Entry], gone: Iterable[Entry]) -> list[Entry]:
    """*entries*, which are in order, without those of *gone*: found by their places, since a look at every one of a
    hundred thousand would be most of a page's cost after each change."""
    rest, start = list[Entry](), 0
    for place in sorted(first_behind(entries, (entry[0], entry[-1])) - 1 for entry in gone):
        rest += entries[start:place]
        start = place + 1
    rest += entries[start:]
    return rest


def _joined(kept: list[Entry], newer: Sequence[Entry]) -> tuple[Entry, ...]:
    """Both, which are in order. To sort a hundred thousand rows anew for one that has changed would take long."""
    joined, start = list[Entry](), 0
    for entry in newer:
        place = first_behind(kept, (entry[0], entry[-1]))
        joined += kept[start:place]
        joined.append(entry)
        start = place
    joined += kept[start:]
    return tuple(joined)


def first_behind(entries: Sequence[Entry], after: tuple[str, str]) -> int:
    """The place of the first of *entries*, which are in order, that comes behind the time and the name *after*."""
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if (entries[middle][0], entries[middle][-1]) < after:
            high = middle
        else:
            low = middle + 1
    return low


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The newest first; of those of one time the greatest name first, as cursors have it."""
    return tuple(sorted(entries, key=lambda entry: (entry[0], entry[-1]), reverse=True))


def _marker(blobs: Iterable[Blob]) -> str:
    text = "\n".join(f"{blob.path} {blob.etag}" for blob in blobs)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
