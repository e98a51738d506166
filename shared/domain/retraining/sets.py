"""Make one set of many files: every key once, by a rule that is counted. Knows keys and digests, never the rows."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.failures import Refused
from shared.domain.retraining.rules import OnConflict

_DIGEST = 16
_Place = tuple[int, int, bytes, int]  # File, row, digest of the content, number of labels.


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """*line* is the row as it will be written, without its end; *held_out* its values of the columns that tell whether
    the hold-out has it, in the order of `Merge`'s.

    It has *labels*, one in a table, the boxes of an image; *given* of them were written, the same ones again included.
    """

    key: tuple[str, ...]
    line: str
    held_out: tuple[str, ...] = ()
    labels: int = 1
    given: int = 1


@dataclass(slots=True, kw_only=True)
class Dropped:
    """Labels that are not in the set: the same again, others for the same key, or those that the hold-out has, rows of
    its groups included.
    """

    duplicates: int = 0
    conflicts: int = 0
    held_out: int = 0


class Merge:
    """Offer every row of every file, the newest file first; then ask which rows are in the set.

    Memory grows with the number of different keys (about 200 bytes each), not with the data.
    """

    def __init__(self, on_conflict: OnConflict, *held_out: Iterable[str]) -> None:
        """*held_out*: for each column that tells the hold-out's rows or groups, the values that the hold-out has."""
        self._on_conflict, self._held_out = on_conflict, tuple(map(frozenset, held_out))
        self._rows: dict[bytes, _Place] = {}
        self._disputed: set[bytes] = set()
        self.dropped = Dropped()

    def offer(self, file: int, number: int, row: Row) -> None:
        """Raises Refused for a conflict that must not be."""
        if self._holds_out(row):
            self.dropped.held_out += row.given
            return
        self.dropped.duplicates += row.given - row.labels
        name, location = _digest("\0".join(row.key)), (file, number, _digest(row.line), row.labels)
        earlier = self._rows.get(name)
        if earlier is None:
            self._rows[name] = location
        elif earlier[2] == location[2]:
            self.dropped.duplicates += row.labels
        else:
            self._dispute(name, earlier, location)

    def takes(self, file: int, number: int, row: Row) -> bool:
        """Whether this very row is in the set."""
        name = _digest("\0".join(row.key))
        if self._holds_out(row):
            return False
        return name not in self._disputed and self._rows[name][:2] == (file, number)

    def _holds_out(self, row: Row) -> bool:
        """Whether the row, or another row of its group, is in the hold-out; an empty value names nothing."""
        return any(value and value in values for value, values in zip(row.held_out, self._held_out, strict=False))

    def _dispute(self, name: bytes, earlier: _Place, later: _Place) -> None:
        if self._on_conflict is OnConflict.FAIL:
            raise Refused(
                f"two different rows have one key: row {earlier[1] + 1} of one file and row {later[1] + 1} of "
                f"{'it' if earlier[0] == later[0] else 'an older one'}; mend the data, or set `conflicts`"
            )
        # Files are offered from the newest to the oldest, and the rows of one file from the oldest to the newest.
        newer, older = (later, earlier) if earlier[0] == later[0] else (earlier, later)
        self._rows[name] = newer
        if self._on_conflict is OnConflict.DROP:
            self.dropped.conflicts += later[3] + (0 if name in self._disputed else earlier[3])
            self._disputed.add(name)
        else:
            self.dropped.conflicts += older[3]


def set_version(header: str, parts: Sequence[str]) -> str:
    """The version of a set by its content: its header and the sha256 of each of its parts, in order."""
    return hashlib.sha256("\n".join([header, *parts]).encode()).hexdigest()[:16]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_DIGEST]
