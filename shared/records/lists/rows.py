"""A small blob for each run, promotion and import with what lists show of it, and a journal of changes for the index.

The blob's metadata are the row; the record itself stays where it is, and is what counts. `shared.records.lists.index`
reads rows by time, and `shared.records.lists.folding` keeps the journal short.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from shared.domain.failures import Transient
from shared.ports import DataHub
from shared.records.line_logs import append_line
from shared.records.lists import paths
from shared.records.store import RecordStore

RUNS, PROMOTIONS, IMPORTS = paths.RUNS, paths.PROMOTIONS, paths.IMPORTS
COLUMNS = {  # What the index has of a row, by kind; the time by which it is ordered is always there.
    RUNS: ("opened", "route", "outcome", "closed", "model", "file"),
    PROMOTIONS: ("opened", "model", "version", "target", "fate", "stage", "phase", "since", "closed"),
    IMPORTS: ("opened", "route", "outcome", "source", "target", "closed"),
}
_REVISION = "revision"
_LONGEST_FILE = 2048  # All metadata of a blob have 8 KB.


@dataclass(frozen=True, slots=True, kw_only=True)
class RowVersion:
    """A row as it is from *revision* on: of two versions of a row the greater one is the later."""

    name: str
    revision: int
    row: Mapping[str, str]


def listed_file(location: str) -> str:
    """*location* as a row has it: metadata are ASCII. One that is too long is left out; the record has it."""
    text = quote(location)
    return text if len(text) <= _LONGEST_FILE else ""


def keep_listed(hub: DataHub, container: str, kind: str, name: str, row: Mapping[str, str]) -> None:
    """What is said of *name* from now on, *row*; what was said before and is not in it stays. Safe to repeat."""
    version = _write_row(hub, container, f"{kind}{name}", row)
    # The line comes second and is written by a repeat too: what died between the two is tried again. A line that
    # comes twice, or after that of a later version, changes nothing, since the greatest revision counts.
    _note(hub, container, kind, RowVersion(name=name, revision=version[0], row=version[1]))


def note_change(hub: DataHub, container: str, kind: str, name: str) -> None:
    """Move the change marker for something about *name* that is no part of its row, such as a person's decision."""
    _note(hub, container, kind, RowVersion(name=name, revision=0, row={}))


def note_stage(store: RecordStore, promotion: str, stage: str, phase: str, at: str) -> None:
    """Say in the row of *promotion* where it is, and since when; nothing where the row says so already."""
    blob = store.find(f"{PROMOTIONS}{promotion}")
    if blob is not None and (blob.metadata.get("stage"), blob.metadata.get("phase")) != (stage, phase):
        row = {"stage": stage, "phase": phase, "since": at}
        keep_listed(store.hub, store.container, PROMOTIONS, promotion, row)


def listed(hub: DataHub, container: str, kind: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The name and the row of everything of *kind*, by name; it looks at a blob for each."""
    for version in listed_versions(hub, container, kind):
        yield version.name, version.row


def listed_versions(hub: DataHub, container: str, kind: str) -> Iterator[RowVersion]:
    """As `listed`, with the revisions."""
    for blob in hub.list(container, kind):
        revision, row = _split(blob.metadata)
        yield RowVersion(name=blob.path.removeprefix(kind), revision=revision, row=row)


def _write_row(hub: DataHub, container: str, path: str, row: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """The revision and the row that are there now."""
    if hub.create(container, path, b"", {**row, _REVISION: "1"}):
        return 1, dict(row)
    blob = hub.find(container, path)
    if blob is None:
        raise Transient(f"{container}/{path} was removed while it was written")
    revision, row_before = _split(blob.metadata)
    row_after = {**row_before, **row}
    if row_after == row_before:
        return revision, row_before
    metadata = {**row_after, _REVISION: str(revision + 1)}
    if not hub.replace(container, path, b"", blob.etag, metadata):
        raise Transient(f"{container}/{path} changed while it was written")
    return revision + 1, row_after


def _split(metadata: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """The revision, 0 in what an earlier release wrote, and the row without it."""
    row = {name: value for name, value in metadata.items() if name != _REVISION}
    return int(metadata.get(_REVISION, "0")), row


def _note(hub: DataHub, container: str, kind: str, version: RowVersion) -> None:
    values = [version.row.get(column, "") for column in COLUMNS[kind]] if version.row else []
    line = json.dumps([version.name, version.revision, *values], separators=(",", ":"))
    append_line(hub, container, paths.journal(kind), line.encode())
