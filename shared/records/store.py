"""The store of records: the only place where the state container's JSON is read and written.

A record is a frozen dataclass of `shared.records`, or of the domain where the domain's own value is what is kept. A
record that is not there is None. Who loses a race to another writer gets `LostRace`, which is transient: trying again
starts from what the winner wrote.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Generic, TypeVar

from shared.codec import Json, UndecodableError, decode, encode
from shared.domain.failures import Transient
from shared.ports import Blob, DataHub

T = TypeVar("T")

_LEFT_OUT = "left out while it is None"
LATER = {_LEFT_OUT: True}  # `field(default=None, metadata=LATER)`: not written while it is None, as how a run ended.
_TRIES = 20


class LostRace(Transient):
    """Another writer changed or created the record first; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Generic[T]):
    """A record as it was read, and the blob that it was read from, whose eTag makes an update conditional."""

    record: T
    blob: Blob


class RecordStore:
    """The records in *container* of the hub."""

    def __init__(self, hub: DataHub, container: str) -> None:
        self.hub, self.container = hub, container

    def get(self, kind: type[T], path: str) -> T | None:
        """The record at *path*. Raises UndecodableError where it is not a *kind*."""
        raw = self.hub.read(self.container, path)
        return None if raw is None else self._read(path, raw, lambda plain: decode(kind, plain))

    def document(self, path: str) -> Json | None:
        """The plain JSON at *path*: of a report whose shape is the domain's. Raises UndecodableError."""
        raw = self.hub.read(self.container, path)
        return None if raw is None else self._read(path, raw, lambda plain: plain)

    def get_stored(self, kind: type[T], path: str) -> Stored[T] | None:
        """The record at *path* with its blob, for an update. Raises UndecodableError where it is not a *kind*."""
        item = self.hub.load(self.container, path)
        if item is None:
            return None
        blob, raw = item
        return Stored(record=self._read(path, raw, lambda plain: decode(kind, plain)), blob=blob)

    def find(self, path: str) -> Blob | None:
        """The blob at *path*, without its content."""
        return self.hub.find(self.container, path)

    def exists(self, path: str) -> bool:
        return self.find(path) is not None

    def create(self, path: str, record: object, metadata: Mapping[str, str] | None = None) -> bool:
        """Write *record* where nothing is; False where something was."""
        return self.create_file(path, _written(record), metadata)

    def update(self, entry: Stored[T], record: T, metadata: Mapping[str, str] | None = None) -> None:
        """Write *record* over *entry*; *metadata* are added to those that it has. Raises LostRace."""
        blob = entry.blob
        all_metadata = {**blob.metadata, **(metadata or {})}
        if not self.hub.replace(self.container, blob.path, _written(record), blob.etag, all_metadata):
            raise LostRace(f"{self.container}/{blob.path} was changed by another writer")

    def save(self, path: str, record: T, entry: Stored[T] | None) -> None:
        """Create the record where there was none, update it otherwise. Raises LostRace."""
        if entry is not None:
            self.update(entry, record)
        elif not self.create(path, record):
            raise LostRace(f"{self.container}/{path} was created by another writer")

    def change(self, kind: type[T], path: str, change: Callable[[T | None], T | None]) -> None:
        """Write what *change* makes of the record, unless that is None; tried again where another writer was faster."""
        # The number of tries is bounded: two writers that always collide would otherwise hold a worker for ever.
        # Transient lets the activity's retry policy wait.
        for _ in range(_TRIES):
            entry = self.get_stored(kind, path)
            record = change(None if entry is None else entry.record)
            if record is None:
                return None
            try:
                return self.save(path, record, entry)
            except LostRace:
                continue
        raise Transient(f"{self.container}/{path} was changed {_TRIES} times by others while it was changed here")

    def overwrite(self, path: str, record: object) -> None:
        """Write a record whose loss costs nothing, such as a cache: another writer's may stand in its place."""
        blob = self.find(path)
        if blob is None:
            self.create(path, record)
        else:
            self.hub.replace(self.container, path, _written(record), blob.etag)

    def set_metadata(self, blob: Blob, metadata: Mapping[str, str]) -> bool:
        """Add *metadata* to those of *blob*, whose content stays; False where it was gone or has changed."""
        content = self.hub.read(self.container, blob.path)
        all_metadata = {**blob.metadata, **metadata}
        return content is not None and self.hub.replace(self.container, blob.path, content, blob.etag, all_metadata)

    def delete(self, path: str, etag: str = "") -> bool:
        """Remove the record (only as *etag* names it, if given); False where it was gone or has changed."""
        return self.hub.delete(self.container, path, etag)

    def blobs(self, folder: str) -> Iterator[Blob]:
        """The blobs whose paths begin with *folder*, in their order, without their content."""
        return self.hub.list(self.container, folder)

    def list(self, kind: type[T], folder: str) -> Iterator[Stored[T]]:
        """The records whose paths begin with *folder*; one that is removed meanwhile is passed over."""
        for blob in self.blobs(folder):
            record = self.get(kind, blob.path)
            if record is not None:
                yield Stored(record=record, blob=blob)

    def mark(self, path: str, metadata: Mapping[str, str] | None = None) -> bool:
        """Create an empty blob: that it is there, and its *metadata*, are the record. False where it was there."""
        return self.create_file(path, b"", metadata)

    def create_file(self, path: str, content: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """Write a page or a text, which is read by people, where nothing is; False where something was."""
        return self.hub.create(self.container, path, content, metadata)

    def create_document(self, path: str, document: object) -> bool:
        """`create` for a report that people read too: its JSON is indented."""
        return self.create_file(path, json.dumps(encode(document), indent=2).encode())

    def read_file(self, path: str) -> bytes | None:
        return self.hub.read(self.container, path)

    def _read(self, path: str, raw: bytes, reader: Callable[[Json], T]) -> T:
        """An empty blob is an empty object: a store that lost the content of a write may have left one."""
        try:
            return reader(read_json(raw or b"{}"))
        except UndecodableError as error:
            raise UndecodableError(f"{self.container}/{path}: {error}") from error


def read_json(raw: bytes) -> Json:
    """The value that *raw* holds, of a record or of one line of a log. Raises UndecodableError."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UndecodableError(f"it is not JSON: {error}") from error


def _written(record: object) -> bytes:
    return json.dumps(plain_record(record)).encode()


def plain_record(record: object) -> Json:
    """*record* as plain JSON, without what is to come `LATER`."""
    plain = encode(record)
    if is_dataclass(record):
        for record_field in fields(record):
            # Left out and not null: records of the releases before the field had no such member, and written again they
            # must stay the same JSON.
            if record_field.metadata.get(_LEFT_OUT) and plain[record_field.name] is None:
                del plain[record_field.name]
    return plain
