"""The store keeps its promises: a missing record is None, a lost race is transient, and what is unknown is ignored."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from shared.codec import UndecodableError
from shared.domain.failures import Transient
from shared.records.store import LATER, LostRace, RecordStore
from tests.fakes.ports import MemoryHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    text: str
    number: int = 0
    closed: str | None = field(default=None, metadata=LATER)


@pytest.fixture
def store() -> RecordStore:
    return RecordStore(MemoryHub(lambda: datetime(2026, 1, 1, tzinfo=UTC)), "signalbox")


def test_a_missing_record_is_none(store: RecordStore) -> None:
    assert (store.get(Note, "a.json"), store.get_stored(Note, "a.json"), store.document("a.json")) == (None, None, None)
    assert list(store.list(Note, "")) == []


def test_a_record_is_created_once(store: RecordStore) -> None:
    assert store.create("a.json", Note(text="first"))
    assert not store.create("a.json", Note(text="second"))

    assert store.get(Note, "a.json") == Note(text="first")


def test_an_update_of_what_another_writer_changed_is_a_lost_race(store: RecordStore) -> None:
    store.create("a.json", Note(text="first"))
    stored = store.get_stored(Note, "a.json")
    assert stored is not None
    store.update(stored, Note(text="second"))

    with pytest.raises(LostRace, match=r"signalbox/a\.json was changed by another writer"):
        store.update(stored, Note(text="third"))

    assert store.get(Note, "a.json") == Note(text="second")
    assert issubclass(LostRace, Transient)


def test_a_record_that_another_writer_created_is_a_lost_race(store: RecordStore) -> None:
    store.create("a.json", Note(text="first"))

    with pytest.raises(LostRace, match=r"signalbox/a\.json was created by another writer"):
        store.save("a.json", Note(text="second"), None)


def test_a_change_that_loses_races_starts_from_what_the_winner_wrote(store: RecordStore) -> None:
    rivals = [1, 2]

    def count(note: Note | None) -> Note:
        if rivals:
            store.overwrite("a.json", Note(text="rival", number=10 * rivals.pop()))
        return Note(text="own", number=(note.number if note else 0) + 1)

    store.change(Note, "a.json", count)

    assert store.get(Note, "a.json") == Note(text="own", number=11)


def test_a_change_that_loses_every_race_is_transient(store: RecordStore) -> None:
    def late(note: Note | None) -> Note:
        number = (note.number if note else 0) + 1
        store.overwrite("a.json", Note(text="rival", number=number))
        return Note(text="own", number=number)

    with pytest.raises(Transient, match="20 times"):
        store.change(Note, "a.json", late)


def test_a_field_that_is_still_to_come_is_not_written(store: RecordStore) -> None:
    store.create("a.json", Note(text="open"))
    store.create("b.json", Note(text="closed", closed="now"))

    assert store.document("a.json") == {"text": "open", "number": 0}
    assert store.document("b.json") == {"text": "closed", "number": 0, "closed": "now"}


def test_unknown_fields_are_ignored_and_a_bad_record_is_named(store: RecordStore) -> None:
    store.create("a.json", {"text": "from a later release", "colour": "red"})
    store.create_file("b.json", b"{")
    store.create_file("c.json", b"null")

    assert store.get(Note, "a.json") == Note(text="from a later release")
    with pytest.raises(UndecodableError, match=r"signalbox/b\.json: it is not JSON"):
        store.get(Note, "b.json")
    with pytest.raises(UndecodableError, match=r"signalbox/c\.json: Note: expected dict, found NoneType"):
        store.get(Note, "c.json")
    with pytest.raises(UndecodableError, match=r"signalbox/b\.json"):
        list(store.list(Note, ""))


def test_metadata_are_added_and_the_content_stays(store: RecordStore) -> None:
    store.create("a.json", Note(text="first"), {"kind": "note"})
    blob = store.find("a.json")
    assert blob is not None

    assert store.set_metadata(blob, {"settled": "run-1"})
    assert not store.set_metadata(blob, {"settled": "run-2"})

    stored = store.get_stored(Note, "a.json")
    assert stored is not None
    assert (stored.record, dict(stored.blob.metadata)) == (Note(text="first"), {"kind": "note", "settled": "run-1"})
