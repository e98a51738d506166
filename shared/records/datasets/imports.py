"""Records of imports: what was asked for and how it ended, and what was fetched from the source."""

from dataclasses import dataclass, field

from shared.contracts import ImportOutcome, SourceImport
from shared.records.datasets import paths as dataset_paths
from shared.records.lists.rows import IMPORTS, keep_listed, listed_file
from shared.records.store import LATER, RecordStore

IMPORT_MARK = "signalbox_import"  # Blob metadata on a file that an import has landed: the id of the import.


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """An import, and how it ended; what is None is still to come. *because* is why it failed, *reason* the asker's."""

    id: str
    route: str
    source: str
    target: str
    by: str
    reason: str
    opened: str
    execution: str
    closed: str | None = field(default=None, metadata=LATER)
    outcome: ImportOutcome | None = field(default=None, metadata=LATER)
    because: str | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFile:
    """*path* is container/path in the hub, *staged* where in staging the fetched bytes lie until they have landed."""

    path: str
    staged: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedSource:
    """What an import has fetched, written once before anything lands. *origin* is the resolved source."""

    origin: str
    files: tuple[ImportedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenImport:
    """An import that has not ended, with its request."""

    request: SourceImport


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFile:
    """What a run has set aside while its import was open. The end of the import removes it, as it was pinned."""

    container: str
    path: str
    etag: str


def leave_to_import(store: RecordStore, name: str, pinned: str, file: LeftFile) -> bool:
    """Whether the import *name* is still open, and *file* therefore stays for it to remove.

    Without the file an import that is repeated after a crash could not tell that it has landed it, and would land it
    again. The entry is written before the look: the import closes first, and looks for entries then.
    """
    store.create(f"{dataset_paths.left_files(name)}{pinned.replace('/', '-')}.json", file)
    record = find_import(store, name)
    return record is not None and record.outcome is None


def find_import(store: RecordStore, name: str) -> ImportRecord | None:
    return store.get(ImportRecord, dataset_paths.import_record(name))


def list_import(store: RecordStore, record: ImportRecord) -> None:
    """Have the list of imports say what *record* says now. Safe to repeat."""
    row = {
        "opened": record.opened,
        "route": record.route,
        "outcome": record.outcome.value if record.outcome else "",
        "source": listed_file(record.source),
        "target": listed_file(record.target),
        "closed": record.closed or "",
    }
    keep_listed(store.hub, store.container, IMPORTS, record.id, row)


def find_fetched(store: RecordStore, name: str) -> FetchedSource | None:
    return store.get(FetchedSource, dataset_paths.fetched_source(name))
