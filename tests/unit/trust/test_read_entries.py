"""Reading the audit log from its end: by hashes, and no entry twice."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.audit_log.backwards import EntriesByHash
from shared.codec import encode
from shared.domain.failures import Refused
from shared.domain.promotion.audit import GENESIS, Entry, sealed

START = datetime(2026, 11, 29, tzinfo=UTC)


def chain(size: int) -> list[Entry]:
    entries = list[Entry]()
    for number in range(1, size + 1):
        entry = Entry(
            number=number,
            before=entries[-1].hash if entries else GENESIS,
            key=f"key {number}",
            at=(START + timedelta(seconds=number)).isoformat(),
            kind="moved",
            subject="churn:1",
            who="ada",
        )
        entries.append(sealed(entry))
    return entries


def test_an_entry_is_read_once_and_counts_as_it_was_signed_afterwards() -> None:
    entries, numbers = chain(6), list[int]()
    contents = {entry.number: json.dumps(encode(entry)).encode() for entry in entries}

    def content(number: int) -> bytes:
        numbers.append(number)
        return contents[number]

    log = EntriesByHash(content)
    assert list(log.since(entries[3], START)) == entries[3::-1]
    contents[2] = contents[2].replace(b"ada", b"eve")
    assert list(log.since(entries[5], START)) == entries[::-1]
    assert numbers == [3, 2, 1, 5, 4]
    with pytest.raises(Refused, match="entry 2 of the audit log is not what was signed"):
        list(EntriesByHash(content).since(entries[5], START))


def test_the_memory_of_entries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.adapters.audit_log.backwards._KEPT", 3)
    entries = chain(9)
    log = EntriesByHash(lambda number: json.dumps(encode(entries[number - 1])).encode())
    for _ in range(2):
        assert list(log.since(entries[-1], START)) == entries[::-1]
    assert len(log._entries) <= 3
