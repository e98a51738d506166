"""Which rows repeat a key: 64-bit hashes name suspects, and their values decide.

The hashes of 10 million rows take 80 MB. Keys are compared as typed values, so that 1 and 01 are one integer in every
format. A row with a key that is not of its type has a finding of its own and is not compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.tables.conversion import Typed
from shared.domain.data_measures import EXAMPLES, Breaches, Example

_SLICES = 8
_POWER = np.uint64(0x9E3779B97F4A7C15)  # Odd, so that its powers never vanish.
_ABSENT = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPart:
    """The keys of some rows of a piece: *values* by column, the *hashes* of them, and the *rows* they are."""

    values: Mapping[str, pa.Array]
    hashes: Any
    rows: Any
    exact: bool

    def chosen(self, hashes: Any) -> "KeyPart":
        """Only those whose hash is one of *hashes*, which are sorted."""
        places = np.minimum(np.searchsorted(hashes, self.hashes), max(len(hashes) - 1, 0))
        keep = np.flatnonzero(hashes[places] == self.hashes) if len(hashes) else np.empty(0, np.int64)
        taken = {name: values.take(pa.array(keep)) for name, values in self.values.items()}
        return KeyPart(values=taken, hashes=self.hashes[keep], rows=self.rows[keep], exact=self.exact)


def key_part(columns: Mapping[str, Typed], numbers: Any) -> KeyPart:
    """The keys of a piece, whose values are the rows *numbers*, or all from 1 on."""
    length = len(next(iter(columns.values())).values)
    rows = np.arange(1, length + 1) if numbers is None else numbers
    values = {name: _normal(column.values) for name, column in columns.items()}
    bad = [column.bad for column in columns.values() if column.bad is not None]
    if bad:
        keep = np.flatnonzero(~np.logical_or.reduce(bad))
        values, rows = {name: each.take(pa.array(keep)) for name, each in values.items()}, rows[keep]
    hashes, exact = _hashes(list(values.values()))
    return KeyPart(values=values, hashes=hashes, rows=rows, exact=exact)


def _normal(values: pa.Array) -> pa.Array:
    """0.0 and -0.0 are one number."""
    return pc.add(values, 0.0) if pa.types.is_floating(values.type) else values


def _hashes(columns: Sequence[pa.Array]) -> tuple[Any, bool]:
    """A hash of each row's values, and whether equal hashes are equal values."""
    first = columns[0]
    if len(columns) == 1 and not first.null_count and not _is_text(first):
        return _words(first), True
    total = np.zeros(len(first), dtype=np.uint64)
    for values in columns:
        words = _text_hashes(values) if _is_text(values) else _words(values)
        if values.null_count:
            words = np.where(pc.is_null(values).to_numpy(zero_copy_only=False), _ABSENT, words)
        total = _mixed(total * _POWER + _mixed(words))
    return total, False


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


def _mixed(words: Any) -> Any:
    """Every bit depends on every other (the finalizer of splitmix64)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _text_hashes(values: pa.Array) -> Any:
    """Of each text the polynomial of its bytes: sums over all bytes, whose differences are those of each text."""
    wide = pa.types.is_large_string(values.type)
    _, offsets, data = values.buffers()
    ends = np.frombuffer(offsets, np.int64 if wide else np.int32)[values.offset : values.offset + len(values) + 1]
    if not len(values):
        return np.empty(0, np.uint64)
    low, high = int(ends[0]), int(ends[-1])
    text = np.frombuffer(data, np.uint8)[low:high] if high > low else np.empty(0, np.uint8)
    powers, inverses = _powers(high - low)
    sums = np.zeros(high - low + 1, np.uint64)
    np.cumsum((text.astype(np.uint64) + np.uint64(1)) * powers[: high - low], out=sums[1:])
    starts, stops = ends[:-1] - low, ends[1:] - low
    return (sums[stops] - sums[starts]) * inverses[starts]


_known_powers: list[Any] = []


def _powers(count: int) -> tuple[Any, Any]:
    """The powers of an odd number modulo 2^64, and of its inverse; kept for the next piece."""
    if not _known_powers or len(_known_powers[0][0]) <= count:
        length = max(count + 1, 1 << 20)
        inverse = np.uint64(pow(int(_POWER), -1, 1 << 64))
        made = []
        for base in (_POWER, inverse):
            factors = np.full(length, base, np.uint64)
            factors[0] = 1
            made.append(np.cumprod(factors, dtype=np.uint64))
        _known_powers[:] = [tuple(made)]
    pair: tuple[Any, Any] = _known_powers[0]
    return pair


class Keys:
    """The hashes of every row's key in the order of the files."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, Any, Any]] = []
        self._bytes = self._total = 0
        self.exact = True

    @property
    def bytes_per_row(self) -> float:
        """Of the keys' values, with room for what is kept beside them."""
        return 32 + self._bytes / max(1, self._total)

    def add(self, file: str, part: KeyPart) -> None:
        self._bytes += sum(values.nbytes for values in part.values.values())
        self._total += len(part.rows)
        self._parts.append((file, _runs(part.rows), part.hashes))
        self.exact = self.exact and part.exact

    def repeated(self) -> tuple[int, Any]:
        """How many rows have a hash that was there before, and those hashes, sorted. One slice of them at a time is
        looked at, so that no second copy of all is needed."""
        count, hashes = 0, list[Any]()
        for number in range(_SLICES):
            pieces = [each[each % np.uint64(_SLICES) == number] for _, _, each in self._parts]
            piece = np.concatenate([np.empty(0, np.uint64), *pieces])
            piece.sort()
            again = piece[1:][piece[1:] == piece[:-1]]
            count += len(again)
            hashes.append(np.unique(again))
        return count, np.sort(np.concatenate(hashes))

    def report(self, breaches: Breaches) -> None:
        """Where hashes are the values themselves."""
        count, hashes = self.repeated()
        if not count:
            return None
        first, shown = dict[int, str](), list[Example]()
        for file, rows, each in self._parts:
            places = np.minimum(np.searchsorted(hashes, each), len(hashes) - 1)
            for at in np.flatnonzero(hashes[places] == each):
                row = _row(rows, int(at))
                before = first.setdefault(int(each[at]), f"{file} row {row}")
                if before != f"{file} row {row}":
                    shown.append(Example(file=file, row=row, value=f"the key of {before}"))
                if len(shown) == EXAMPLES:
                    return breaches.add("key", "", count, shown)
        return breaches.add("key", "", count, shown)


def _runs(rows: Any) -> Any:
    """The first row alone where the others follow it one by one."""
    return int(rows[0]) if len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1 else rows


def _row(rows: Any, place: int) -> int:
    return rows + place if isinstance(rows, int) else int(rows[place])
