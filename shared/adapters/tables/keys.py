"""Which rows repeat a key: 64-bit hashes name suspects, and their values decide.

The hashes of 10 million rows take 80 MB. Keys are compared as typed values, so that 1 and 01 are one integer in every
format. A row with a key that is not of its type has a finding of its own and is not compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.tables.conversion import Typed

_RANGE = 1_000_000
_SAMPLED = 1000
# A polynomial and no stronger hash: equal hashes are compared by their values afterwards, so a collision costs time and
# never a verdict. Python's `hash` gives -1 and -2 the same value, and an object for each key was most of the time.
_POWER = np.uint64(0x9E3779B97F4A7C15)  # Odd, so that its powers never vanish.
_ABSENT = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPart:
    """The keys of some rows of a piece: *values* by column, the *hashes* of them, and the *rows* they are."""

    values: Mapping[str, pa.Array]
    hashes: Any
    rows: Any

    def chosen(self, hashes: Any) -> "KeyPart":
        """The rows whose hash is among *hashes*, which are sorted."""
        positions = np.minimum(np.searchsorted(hashes, self.hashes), len(hashes) - 1)
        keep = np.flatnonzero(hashes[positions] == self.hashes)
        chosen_values = {name: _wide(values.take(pa.array(keep))) for name, values in self.values.items()}
        return KeyPart(values=chosen_values, hashes=self.hashes[keep], rows=self.rows[keep])


def key_part(columns: Mapping[str, Typed], numbers: Any) -> KeyPart:
    """The keys of a piece, whose values are the rows *numbers*, or all from 1 on."""
    length = len(next(iter(columns.values())).values)
    rows = np.arange(1, length + 1) if numbers is None else numbers
    values = {name: _normal(column.values) for name, column in columns.items()}
    bad = [column.bad for column in columns.values() if column.bad is not None]
    if bad:
        keep = np.flatnonzero(~np.logical_or.reduce(bad))
        values, rows = {name: column_values.take(pa.array(keep)) for name, column_values in values.items()}, rows[keep]
    return KeyPart(values=values, hashes=_hashes(list(values.values())), rows=rows)


def _normal(values: pa.Array) -> pa.Array:
    """0.0 and -0.0 are one number, and texts are no places in a dictionary."""
    if pa.types.is_dictionary(values.type):
        return values.dictionary_decode()
    return pc.add(values, 0.0) if pa.types.is_floating(values.type) else values


def _wide(values: pa.Array) -> pa.Array:
    """Texts of one type, whichever way they were read."""
    return values.cast(pa.large_string()) if _is_text(values) else values


def _hashes(columns: Sequence[pa.Array]) -> Any:
    """A hash of each row's values; of one column of numbers, dates or truths it is the value itself."""
    first = columns[0]
    if len(columns) == 1 and not first.null_count and not _is_text(first):
        return _words(first)
    total = np.zeros(len(first), dtype=np.uint64)
    for values in columns:
        words = _text_hashes(values) if _is_text(values) else _words(values)
        if values.null_count:
            words = np.where(pc.is_null(values).to_numpy(zero_copy_only=False), _ABSENT, words)
        total = _mix(total * _POWER + _mix(words))
    return total


def _is_text(values: pa.Array) -> bool:
    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def _words(values: pa.Array) -> Any:
    """The 64 bits of each value."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_date(values.type):
        values = values.view(pa.int32()).cast(pa.int64())
    elif not pa.types.is_floating(values.type):
        values = values.view(pa.int64())
    if values.null_count:
        values = values.fill_null(0)
    return values.to_numpy(zero_copy_only=False).view(np.uint64)


def _mix(words: Any) -> Any:
    """Every bit depends on every other (the finalizer of splitmix64)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _text_hashes(values: pa.Array) -> Any:
    """Of each text the polynomial of its bytes: sums over all bytes, whose differences are those of each text."""
    wide = pa.types.is_large_string(values.type)
    _, offsets, data = values.buffers()
    boundaries = np.frombuffer(offsets, np.int64 if wide else np.int32)[values.offset : values.offset + len(values) + 1]
    if not len(values):
        return np.empty(0, np.uint64)
    low, high = int(boundaries[0]), int(boundaries[-1])
    text = np.frombuffer(data, np.uint8)[low:high] if high > low else np.empty(0, np.uint8)
    powers, inverses = _powers(high - low)
    sums = np.zeros(high - low + 1, np.uint64)
    np.cumsum((text.astype(np.uint64) + np.uint64(1)) * powers[: high - low], out=sums[1:])
    starts, stops = boundaries[:-1] - low, boundaries[1:] - low
    return (sums[stops] - sums[starts]) * inverses[starts]


_known_powers: list[Any] = []


def _powers(count: int) -> tuple[Any, Any]:
    """The powers of an odd number modulo 2^64, and of its inverse; kept for the next piece."""
    if not _known_powers or len(_known_powers[0][0]) <= count:
        length = max(count + 1, 1 << 20)
        inverse = np.uint64(pow(int(_POWER), -1, 1 << 64))
        pair_ = []
        for base in (_POWER, inverse):
            factors = np.full(length, base, np.uint64)
            factors[0] = 1
            pair_.append(np.cumprod(factors, dtype=np.uint64))
        _known_powers[:] = [tuple(pair_)]
    pair: tuple[Any, Any] = _known_powers[0]
    return pair


class SortedHashes:
    """The hashes of the keys of one piece, sorted, with the size of their values in bytes."""

    def __init__(self, part: KeyPart) -> None:
        self.hashes = np.sort(part.hashes)
        self.size = sum(values.nbytes for values in part.values.values())


class Keys:
    """The hashes of every row's key."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._size = self._total = 0

    @property
    def bytes_per_row(self) -> float:
        """Of the keys' values, with room for what is kept beside them."""
        return 32 + self._size / max(1, self._total)

    def add(self, part: SortedHashes) -> None:
        if len(part.hashes):
            self._parts.append(part.hashes)
            self._size += part.size
            self._total += len(part.hashes)

    def repeated(self) -> tuple[int, Any]:
        """How many rows have a hash that another has too, the first of each left out, and those hashes, sorted.

        A range of hashes at a time is looked at, so that no second copy of all is needed.
        """
        count, hashes = 0, [np.empty(0, np.uint64)]
        for pieces in self._ranges():
            together = np.concatenate(pieces)
            if len(pieces) > 1:
                together.sort()
            repeats = together[1:][together[1:] == together[:-1]]
            count += len(repeats)
            hashes.append(np.unique(repeats))
        return count, np.concatenate(hashes)

    def _ranges(self) -> Iterator[list[Any]]:
        """The hashes of each part between two bounds; every range holds about equally many of them."""
        if not self._parts:
            return
        sample = np.sort(np.concatenate([part[::_SAMPLED] for part in self._parts]))
        steps = max(1, round(self._total / _RANGE))
        bounds = np.unique(sample[[len(sample) * step // steps for step in range(1, steps)]])
        starts = [0] * len(self._parts)
        for upper_bound in [*bounds, None]:
            stops = [
                len(part) if upper_bound is None else int(np.searchsorted(part, upper_bound)) for part in self._parts
            ]
            pieces = [part[a:z] for part, a, z in zip(self._parts, starts, stops, strict=True) if a < z]
            if pieces:
                yield pieces
            starts = stops
