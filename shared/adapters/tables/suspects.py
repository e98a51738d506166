"""The second look at keys whose hashes are equal: their values decide whether they are."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.tables.keys import KeyPart
from shared.domain.data.data_measures import EXAMPLES, Example


class Suspects:
    """Rows of which another has the same hash, in the order of the files."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, str, KeyPart]] = []

    def add(self, number: int, file: str, part: KeyPart) -> None:
        """Rows of the file with this *number*."""
        if len(part.rows):
            self._parts.append((number, file, part))

    def repeated(self) -> tuple[int, list[tuple[tuple[int, int], Example]]]:
        """How many rows repeat the key of one before, and the first of them, each with its file's number and row."""
        if not self._parts:
            return 0, []
        hashes = np.concatenate([part.hashes for _, _, part in self._parts])
        order = np.argsort(hashes, kind="stable")
        columns = [
            pa.chunked_array([part.values[name] for _, _, part in self._parts]).combine_chunks().take(pa.array(order))
            for name in self._parts[0][2].values
        ]
        first = _firsts(hashes[order], columns)
        repeats = np.flatnonzero(first != np.arange(len(first)))
        pairs = sorted((int(order[at]), int(order[first[at]])) for at in repeats)[:EXAMPLES]
        return len(repeats), [self._example(later, before) for later, before in pairs]

    def _example(self, later: int, before: int) -> tuple[tuple[int, int], Example]:
        number, file, row = self._place(later)
        _, first_file, first_row = self._place(before)
        return (number, row), Example(file=file, row=row, value=f"the key of {first_file} row {first_row}")

    def _place(self, index: int) -> tuple[int, str, int]:
        for number, file, part in self._parts:
            if index < len(part.rows):
                return number, file, int(part.rows[index])
            index -= len(part.rows)
        raise IndexError(index)


def _firsts(hashes: Any, columns: list[pa.Array]) -> Any:
    """Of each row, in the order of the hashes, the first row with the same values."""
    length = len(hashes)
    same_hash = np.concatenate([[False], hashes[1:] == hashes[:-1]])
    same = same_hash.copy()
    for values in columns:
        same[1:] &= _equal(values.slice(1), values.slice(0, length - 1))
    if (same == same_hash).all():  # No two different keys have one hash: the rule.
        return np.maximum.accumulate(np.where(same, 0, np.arange(length)))
    starts = np.maximum.accumulate(np.where(same_hash, 0, np.arange(length)))
    firsts = np.arange(length)
    first_by_key: dict[Any, int] = {}
    for index in np.flatnonzero(np.bincount(starts, minlength=length)[starts] > 1):
        key = (int(starts[index]), *(values[int(index)].as_py() for values in columns))
        firsts[index] = first_by_key.setdefault(key, int(index))
    return firsts


def _equal(first: pa.Array, second: pa.Array) -> Any:
    """Equal values, or none on both sides."""
    equal = pc.fill_null(pc.equal(first, second), False)
    return pc.or_(equal, pc.and_(pc.is_null(first), pc.is_null(second))).to_numpy(zero_copy_only=False)
