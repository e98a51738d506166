"""Fold the journal of a list's index into its segments, and make the index anew from the rows where it is missing.

A fold that dies or loses to another changes nothing for readers: the manifest is written last, on condition of its
eTag, and a part of the journal is removed only as it was read.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.ports import Blob, DataHub
from shared.records.lists import paths
from shared.records.lists.index import (
    Entry,
    IndexManifest,
    entry_of,
    merge_line,
    parsed_line,
    read_segments,
    segment_line,
)
from shared.records.lists.rows import listed_versions
from shared.records.store import RecordStore

SEGMENT_ROWS = 10_000
FOLDED_BYTES = 256 * 1024  # A journal that is shorter is read faster than a segment is written.
REBUILT_AFTER = timedelta(days=7)  # Mends what a writer left out that died for good between a row and its line.
GRACE = timedelta(hours=1)  # Another fold may be about to name a young segment.


def fold_list(hub: DataHub, container: str, kind: str, now: datetime, *, rebuild: bool = False) -> bool:
    """Whether the segments of *kind* were written anew: where the journal is long, or the index is missing or old.

    With *rebuild* all rows are listed, however new the index is. Safe to repeat. Raises LostRace.
    """
    store = RecordStore(hub, container)
    manifest_path = paths.manifest(kind)
    stored = store.get_stored(IndexManifest, manifest_path)
    journal = [blob for blob in hub.list(container, paths.index_folder(kind)) if blob.path != manifest_path]
    is_old = stored is None or now - datetime.fromisoformat(stored.record.built) > REBUILT_AFTER
    if not (rebuild or is_old or sum(blob.size for blob in journal) > FOLDED_BYTES):
        return False
    # The journal is read before the rows are listed: a row that changes later has its line in a part that is not
    # removed, since its eTag is another one then.
    lines = [line for blob in journal for line in (hub.read(container, blob.path) or b"").splitlines()]
    is_rebuilt = rebuild or is_old
    rows = _rows_now(hub, container, kind) if is_rebuilt else read_segments(hub, container, kind)
    if rows is None or (stored is None and not rows and not journal):
        return False
    for line in lines:
        merge_line(kind, rows, parsed_line(line))
    built = now.isoformat() if stored is None or is_rebuilt else stored.record.built
    store.save(manifest_path, IndexManifest(segments=tuple(_segments(store, kind, rows)), built=built), stored)
    for blob in journal:
        hub.delete(container, blob.path, blob.etag)
    _remove_unnamed(store, kind, now)
    return True


def _rows_now(hub: DataHub, container: str, kind: str) -> dict[str, tuple[int, Entry]]:
    versions = listed_versions(hub, container, kind)
    return {version.name: (version.revision, entry_of(kind, version)) for version in versions}


def _segments(store: RecordStore, kind: str, rows: Mapping[str, tuple[int, Entry]]) -> Iterator[str]:
    """The digests of the segments of *rows*, each written where it is not there yet.

    They are cut from the oldest row on, so that a later fold finds the older ones as they are.
    """
    ordered = sorted(rows.items(), key=lambda item: (item[1][1][0], item[0]))
    for start in range(0, len(ordered), SEGMENT_ROWS):
        chunk = ordered[start : start + SEGMENT_ROWS]
        content = _written([segment_line(name, revision, entry) for name, (revision, entry) in chunk])
        digest = hashlib.sha256(content).hexdigest()
        store.create_file(paths.segment(kind, digest), content)
        yield digest


def _written(lines: Sequence[list[Any]]) -> bytes:
    return json.dumps(lines, separators=(",", ":")).encode()


def _remove_unnamed(store: RecordStore, kind: str, now: datetime) -> None:
    """Remove the segments that no manifest names any more. A reader that still wants one reads the new manifest."""
    manifest = store.get(IndexManifest, paths.manifest(kind)) or IndexManifest()
    named = {paths.segment(kind, digest) for digest in manifest.segments}
    unnamed: list[Blob] = [blob for blob in store.blobs(paths.segments(kind)) if blob.path not in named]
    for blob in unnamed:
        if blob.age(now) > GRACE:
            store.delete(blob.path, blob.etag)
