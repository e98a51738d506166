"""Records of data sets: the manifest of each published version, and what became of each publication.

The files themselves lie in staging, where workspaces reach them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.contracts import DatasetPublication, LineageLink, PublicationOutcome
from shared.domain.datasets.contents import DatasetColumn, DatasetFile
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose
from shared.records.datasets import paths as dataset_paths
from shared.records.store import LATER, RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetManifest:
    """A published version, written once: its *files* lie in *folder* of *container*, and *content* names them all.

    *source* is the folder that they came from, *publication* what made it, *by* who asked, *at* when.
    """

    name: str
    version: str
    kind: DatasetKind
    purpose: DatasetPurpose
    publication: str
    content: str
    container: str
    folder: str
    files: tuple[DatasetFile, ...]
    source: str
    snapshot: str
    by: str
    at: str
    note: str = ""
    contract: str = ""
    rows: int = 0
    columns: tuple[DatasetColumn, ...] = ()
    labels: dict[str, int] = field(default_factory=dict)
    lineage: tuple[LineageLink, ...] = ()

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationRecord:
    """A publication, and how it ended; what is None is still to come."""

    id: str
    name: str
    version: str
    opened: str
    execution: str
    source: str
    by: str
    closed: str | None = field(default=None, metadata=LATER)
    outcome: PublicationOutcome | None = field(default=None, metadata=LATER)
    because: str | None = field(default=None, metadata=LATER)
    registered: tuple[str, ...] | None = field(default=None, metadata=LATER)
    unregistered: tuple[str, ...] | None = field(default=None, metadata=LATER)

    @property
    def made_version(self) -> bool:
        """Whether there is nothing left to do: the version has this content."""
        return self.outcome in (PublicationOutcome.PUBLISHED, PublicationOutcome.ALREADY) and not self.unregistered


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPublication:
    """An entry of the list of publications that have not ended."""

    request: DatasetPublication


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFiles:
    """What a publication has copied, with the digest of each file as it was copied."""

    files: tuple[DatasetFile, ...]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFiles:
    """What the check of the staged files showed."""

    rows: int
    columns: tuple[DatasetColumn, ...] = ()
    labels: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def find_version(store: RecordStore, name: str, version: str) -> DatasetManifest | None:
    return store.get(DatasetManifest, dataset_paths.dataset_version(name, version))


def manifest_digest(store: RecordStore, name: str, version: str) -> str:
    """The digest of a manifest as it is stored; empty where there is none."""
    content = store.read_file(dataset_paths.dataset_version(name, version))
    return "" if content is None else f"sha256:{hashlib.sha256(content).hexdigest()}"


def version_names(store: RecordStore, name: str = "") -> Iterator[tuple[str, str, str]]:
    """The name, the version and the time (ISO 8601) of each published version: of the data set *name*, or of all."""
    for blob in store.blobs(dataset_paths.dataset_versions(name)):
        dataset, _, file = blob.path.removeprefix(dataset_paths.VERSIONS).partition("/")
        yield dataset, file.removesuffix(".json"), blob.modified.isoformat()
