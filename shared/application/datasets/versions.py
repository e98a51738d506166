"""Published versions as others use them: found by reference, and believed only as the audit log has them."""

from dataclasses import dataclass

from shared.application.blob_digests import blob_digest
from shared.contracts import PublicationOutcome
from shared.domain.datasets.contents import DatasetFile
from shared.domain.datasets.references import DatasetReference, read_reference
from shared.domain.failures import Refused
from shared.ports import AuditLog, Blob, DataHub
from shared.records.datasets import DatasetManifest, find_version, manifest_digest
from shared.records.store import RecordStore

VERSION_ENTRY = "dataset published"  # The kind of the audit log's entry about a version.
NOT_PUBLISHED = "is not what was published; publish the files as another version"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A *file* of a published version, as *blob* of the hub."""

    reference: DatasetReference
    file: DatasetFile
    blob: Blob


def publication_entry(outcome: PublicationOutcome) -> str:
    """The kind of the audit log's entry about a publication that made no version, or not everywhere."""
    return f"publication {outcome.value}"


DATASET_ENTRIES = frozenset({VERSION_ENTRY, *map(publication_entry, PublicationOutcome)})


def version_key(name: str, version: str) -> str:
    """The key of the audit log's entry about a version: there is one for each."""
    return f"datasets/{name}/{version}"


def hub_file(store: RecordStore, location: str) -> Blob | None:
    """The blob that *location* means: a file of a published version, or container/path; None where nothing is there.

    Raises Refused where a published version is meant that does not have the file.
    """
    if published := published_file(store, location):
        return published.blob
    if read_reference(location) is not None:
        return None
    container, _, path = location.partition("/")
    return store.hub.find(container, path)


def published_file(store: RecordStore, location: str) -> PublishedFile | None:
    """The file of a published version that *location* names; None where it names none, or nothing that is there.

    Raises Refused where the version does not have the file, or has several and *location* names none of them.
    """
    reference = read_reference(location)
    manifest = find_version(store, reference.name, reference.version) if reference else None
    if reference is None or manifest is None:
        return None
    file = _file_of(manifest, reference)
    blob = _blob_of(store.hub, manifest, file)
    return None if blob is None else PublishedFile(reference=reference, file=file, blob=blob)


def require_logged(store: RecordStore, audit: AuditLog, location: str) -> str:
    """What evidence says of the version that *location* names, with its manifest's digest; empty where it names none.

    Raises Refused where the manifest is not the one that the audit log has: a writer of the container of records
    could put another hold-out in its place.
    """
    reference = read_reference(location)
    if reference is None:
        return ""
    name, version = reference.name, reference.version
    entry, digest = audit.find(version_key(name, version)), manifest_digest(store, name, version)
    if entry is None or not digest or entry.facts.get("manifest") != digest:
        raise Refused(
            f"{name}@{version} is not what the audit log says was published; publish the files as another version"
        )
    return f"{name}@{version} {digest}"


def proven_file(store: RecordStore, audit: AuditLog, location: str) -> Blob | None:
    """As `hub_file`; a file of a published version has the content that was published, by the audit log.

    Raises Refused where it has another, and as `require_logged` does.
    """
    require_logged(store, audit, location)
    published = published_file(store, location)
    if published is None:
        return hub_file(store, location)
    if blob_digest(store.hub, published.blob) != published.file.sha256:
        raise Refused(f"{published.reference} {NOT_PUBLISHED}")
    return published.blob


def _file_of(manifest: DatasetManifest, reference: DatasetReference) -> DatasetFile:
    if not reference.file and len(manifest.files) > 1:
        paths = ", ".join(file.path for file in manifest.files[:10])
        raise Refused(f"{reference} has {len(manifest.files)} files; name one, as {reference}/FILE: {paths}")
    for file in manifest.files:
        if reference.file in ("", file.path):
            return file
    raise Refused(f"{manifest.reference} has no file {reference.file}; `signalbox data show` lists them")


def _blob_of(hub: DataHub, manifest: DatasetManifest, file: DatasetFile) -> Blob | None:
    return hub.find(manifest.container, f"{manifest.folder}/{file.path}")
