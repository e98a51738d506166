"""The audit chain as blobs: one blob an entry, and a head that is replaced only if no other writer was first.

The head carries the newest entry whole; before the next is written it is laid down as a blob of its own, with its key
and under its subject. So a crash between any two writes loses nothing and repeats nothing.
"""

import json
from collections.abc import Iterator, Mapping

from shared.codec import decode, encode
from shared.domain.failures import Transient
from shared.domain.identity import digest
from shared.domain.promotion.audit import GENESIS, Entry, sealed
from shared.ports import Blob, Clock, DataHub

_HEAD, _ENTRIES, _KEYS, _SUBJECTS = "audit/head.json", "audit/entries/", "audit/keys/", "audit/subjects/"
# A writer that loses the head to another reads it again at once. A lease would need no attempts, but one whose holder
# has died blocks every decision and movement until it runs out.
_ATTEMPTS = 50


class BlobAudit:
    """Implements `shared.ports.AuditLog` in *container* of the hub."""

    def __init__(self, hub: DataHub, container: str, clock: Clock) -> None:
        self._hub, self._container, self._clock = hub, container, clock

    def append(self, key: str, kind: str, subject: str, actor: str, facts: Mapping[str, object]) -> Entry:
        for _ in range(_ATTEMPTS):
            head_blob, head = self._read_head()
            if head is not None:
                self._lay_down(head)
            # The head is laid down before the key is looked for: a writer that died after it had advanced the head left
            # an entry without a key, and looking first would append it a second time.
            existing = self._find(key)
            if existing is not None:
                return existing
            entry = sealed(
                Entry(
                    number=1 if head is None else head.number + 1,
                    before=GENESIS if head is None else head.hash,
                    key=key,
                    at=self._clock.now().isoformat(timespec="milliseconds"),
                    kind=kind,
                    subject=subject,
                    who=actor,
                    facts=dict(facts),
                )
            )
            if self._advance(head_blob, entry):
                self._lay_down(entry)
                return entry
        raise Transient(f"the audit log was busy: {key} could not be appended in {_ATTEMPTS} attempts")

    def entries(self) -> Iterator[Entry]:
        for blob in self._hub.list(self._container, _ENTRIES):
            raw = self._hub.read(self._container, blob.path)
            yield decode(Entry, json.loads(raw or b"{}"))

    def about(self, name: str) -> Iterator[Entry]:
        for blob in self._hub.list(self._container, _subject_folder(name)):
            raw = self._hub.read(self._container, _entry_path(int(blob.path.rpartition("/")[2])))
            entry = decode(Entry, json.loads(raw or b"{}"))
            # The folder is only an index, and anybody who may write blobs could put a number into it. The entry itself
            # is part of the chain, so its own subject decides.
            if _subject_folder(entry.subject) == _subject_folder(name):
                yield entry

    def filed(self) -> int:
        return sum(1 for _ in self._hub.list(self._container, _SUBJECTS))

    def head(self) -> Entry | None:
        head = self._read_head()[1]
        if head is not None:
            self._lay_down(head)  # The process that wrote the head may have died before it wrote the entry as a blob.
        return head

    def _read_head(self) -> tuple[Blob | None, Entry | None]:
        head_blob = self._hub.find(self._container, _HEAD)
        raw = self._hub.read(self._container, _HEAD) if head_blob else None
        return head_blob, None if raw is None else decode(Entry, json.loads(raw))

    def _advance(self, head_blob: Blob | None, entry: Entry) -> bool:
        content = json.dumps(encode(entry)).encode()
        if head_blob is None:
            return self._hub.create(self._container, _HEAD, content)
        return self._hub.replace(self._container, _HEAD, content, head_blob.etag)

    def _lay_down(self, entry: Entry) -> None:
        path, content = _entry_path(entry.number), json.dumps(encode(entry)).encode()
        self._hub.create(self._container, path, content)
        self._hub.create(self._container, _key_path(entry.key), json.dumps(path).encode())
        self._hub.create(self._container, f"{_subject_folder(entry.subject)}{entry.number:012d}", b"")

    def _find(self, key: str) -> Entry | None:
        path = self._hub.read(self._container, _key_path(key))
        raw = None if path is None else self._hub.read(self._container, json.loads(path))
        return None if raw is None else decode(Entry, json.loads(raw))


def _entry_path(number: int) -> str:
    return f"{_ENTRIES}{number:012d}.json"


def _subject_folder(subject: str) -> str:
    """One folder for all versions of a model. Names are digested, since paths allow fewer characters."""
    return f"{_SUBJECTS}{digest(subject.partition(':')[0], length=40)}/"


def _key_path(key: str) -> str:
    return f"{_KEYS}{digest(key, length=40)}.json"
