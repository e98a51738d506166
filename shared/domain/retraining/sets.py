"""Make one set of many files: every key once, by a rule that is counted. Knows keys and digests, never the rows."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.failures import Refused
from shared.domain.retraining.rules import OnConflict

_DIGEST = 16


@dataclass(slots=True, kw_only=True)
class Dropped:
    """Rows that are not in the set: the same again, another one with the same key, or a row of the hold-out."""

    duplicates: int = 0
    conflicts: int = 0
    held_out: int = 0


class Merge:
    """Offer every row of every file, the newest file first; then ask which rows are in the set.

    Memory grows with the number of different keys (about 200 bytes each), not with the data.
    """

    def __init__(self, on_conflict: OnConflict, held_out: Iterable[str] = ()) -> None:
        self._on_conflict, self._held_out = on_conflict, frozenset(held_out)
        self._chosen: dict[bytes, tuple[int, int, bytes]] = {}
        self._disputed: set[bytes] = set()
        self.dropped = Dropped()

    def offer(self, file: int, row: int, key: Sequence[str], content: str, held_out: str = "") -> None:
        """*held_out* is the row's value of the hold-out's key. Raises Refused for a conflict that must not be."""
        if held_out and held_out in self._held_out:
            self.dropped.held_out += 1
            return
        name, digest = _digest("\0".join(key)), _digest(content)
        there = self._chosen.get(name)
        if there is None:
            self._chosen[name] = (file, row, digest)
        elif there[2] == digest:
            self.dropped.duplicates += 1
        else:
            self._dispute(name, there, (file, row, digest), key)

    def takes(self, file: int, row: int, key: Sequence[str], held_out: str = "") -> bool:
        """Whether this very row is in the set."""
        name = _digest("\0".join(key))
        if held_out and held_out in self._held_out:
            return False
        return name not in self._disputed and self._chosen[name][:2] == (file, row)

    def _dispute(
        self, name: bytes, there: tuple[int, int, bytes], other: tuple[int, int, bytes], key: Sequence[str]
    ) -> None:
        if self._on_conflict is OnConflict.FAIL:
            raise Refused(f"two different rows have the key {', '.join(key)!r}; mend the data, or set `conflicts`")
        self.dropped.conflicts += 1
        if self._on_conflict is OnConflict.DROP and name not in self._disputed:
            self._disputed.add(name)
            self.dropped.conflicts += 1  # The one that was there goes as well.
        if there[0] == other[0]:  # In one file, what comes later is newer.
            self._chosen[name] = other


def set_version(header: str, parts: Sequence[str]) -> str:
    """The version of a set by its content: its header and the sha256 of each of its parts, in order."""
    return hashlib.sha256("\n".join([header, *parts]).encode()).hexdigest()[:16]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_DIGEST]
