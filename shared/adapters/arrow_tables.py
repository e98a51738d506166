"""Measure files against a data contract with Arrow, in one pass and bounded memory; judges nothing.

Keys are compared by 64-bit hashes of their values (SipHash): 10 million rows take 80 MB.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.arrow_files import UnreadableFile, read_batches
from shared.adapters.reader.files import TableFile
from shared.adapters.reader.frames import ClosedConnection
from shared.domain.contract_values import whole_value
from shared.domain.data_contract import Column, DataContract
from shared.domain.data_measures import CATEGORIES, OTHER, Breaches, Example, Measurements, Rule, Tally
from shared.domain.failures import Refused, Transient
from shared.domain.reference_profile import ColumnProfile, ReferenceProfile, counted, draft, worth_profiling

_TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_NUMERAL = {"integer": r"^[+-]?\d{1,18}$", "number": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"}
_SAMPLE = 200_000
_NOT_THE_CONTENT = (ClosedConnection, Refused, Transient)  # The hub failed, or the app has gone.
_SLICES = 8


def measure(files: Iterable[TableFile], contract: DataContract, reference: ReferenceProfile | None) -> Measurements:
    """Everything the judgement needs, from one pass over *files*."""
    measuring = _Measuring(contract, reference.columns if reference else {})
    for file in files:
        measuring.read(file)
    return measuring.result()


def profile(files: Iterable[TableFile], contract: DataContract) -> ReferenceProfile:
    """The reference profile of *files*: breakpoints from the first rows, then counts over all of them."""
    known = tuple(files)
    columns = worth_profiling(contract)
    sample = _sample(known, contract, columns)
    drafts = {each.name: made for each in columns if (made := draft(each, sample[each.name])) is not None}
    measuring = _Measuring(contract, drafts)
    for file in known:
        measuring.read(file)
    return counted(drafts, measuring.result())


class _Measuring:
    def __init__(self, contract: DataContract, profiled: Mapping[str, ColumnProfile]) -> None:
        self._contract, self._profiled = contract, profiled
        self._breaches, self._rows = Breaches(), dict[str, int]()
        self._cells = {
            name: np.zeros(len(each.breakpoints) + 1, dtype=np.int64)
            for name, each in profiled.items()
            if each.kind == "numeric"
        }
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name, each in profiled.items() if each.kind == "categorical"
        }
        self._keys = _Keys()

    def read(self, file: TableFile) -> None:
        rows = 0
        try:
            for batch in read_batches(file, self._contract, self._breaches):
                self._batch(file.name, rows, batch)
                rows += batch.num_rows
        except UnreadableFile as error:
            self._unreadable(file, str(error))
        except _NOT_THE_CONTENT:
            raise
        except Exception as error:  # Whatever a reader raises, it raises because of what it read.
            self._unreadable(file, f"{type(error).__name__}: {error}".splitlines()[0][:200])
        self._rows[file.name] = rows

    def _unreadable(self, file: TableFile, reason: str) -> None:
        self._breaches.add("readable", "", 1, [Example(file=file.name, row=0, value=reason)])

    def result(self) -> Measurements:
        self._keys.report(self._breaches)
        tallies = {name: Tally(cells=tuple(int(n) for n in cells)) for name, cells in self._cells.items()}
        tallies |= {name: Tally(counts=dict(counts)) for name, counts in self._counts.items()}
        return Measurements(rows_per_file=self._rows, breaches=self._breaches.all(), tallies=tallies)

    def _batch(self, file: str, first: int, batch: pa.RecordBatch) -> None:
        for column in self._contract.columns:
            if column.name in batch.schema.names:
                raw = batch.column(column.name)
                values = convert(raw, column)
                self._rules(file, first, column, raw, values)
                self._tally(column.name, values)
        if self._contract.keys and all(key in batch.schema.names for key in self._contract.keys):
            self._keys.add(file, first, [batch.column(key) for key in self._contract.keys])

    def _rules(self, file: str, first: int, column: Column, raw: pa.Array, values: pa.Array) -> None:
        if not column.nullable and raw.null_count:
            self._broken("null", file, first, column, raw, pc.is_null(raw))
        if values.null_count > raw.null_count:
            self._broken("type", file, first, column, raw, pc.and_(pc.is_valid(raw), pc.is_null(values)))
        if column.min is not None:
            self._broken("min", file, first, column, raw, pc.less(values, pa.scalar(column.min, values.type)))
        if column.max is not None:
            self._broken("max", file, first, column, raw, pc.greater(values, pa.scalar(column.max, values.type)))
        if column.allowed:
            allowed = pa.array(column.allowed, values.type)
            self._broken(
                "allowed", file, first, column, raw, pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, allowed)))
            )
        if column.pattern:
            fits = pc.match_substring_regex(values, whole_value(column.pattern))
            self._broken("pattern", file, first, column, raw, pc.invert(fits))

    def _broken(self, rule: Rule, file: str, first: int, column: Column, raw: pa.Array, mask: pa.Array) -> None:
        count = pc.sum(mask).as_py() or 0
        if not count:
            return
        room = self._breaches.room(rule, column.name)
        places = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()[:room] if room else []
        shown = [Example(file=file, row=first + at + 1, value=str(raw[at].as_py())[:80]) for at in places]
        self._breaches.add(rule, column.name, count, shown)

    def _tally(self, name: str, values: pa.Array) -> None:
        if name in self._cells:
            numbers = values.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
            place = np.searchsorted(np.asarray(self._profiled[name].breakpoints), numbers[np.isfinite(numbers)])
            self._cells[name] += np.bincount(place, minlength=len(self._cells[name]))
        elif name in self._counts:
            _count(self._counts[name], values)


class _Keys:
    """Hashes of the keys of every row, in order, and where each file's rows begin."""

    def __init__(self) -> None:
        self._hashes: list[Any] = []
        self._starts: list[tuple[int, str, int]] = []
        self._total = 0

    def add(self, file: str, first: int, columns: list[pa.Array]) -> None:
        lists = [column.to_pylist() for column in columns]
        keys = lists[0] if len(lists) == 1 else zip(*lists, strict=True)
        hashes = np.fromiter(map(hash, keys), dtype=np.int64, count=len(columns[0]))
        self._starts.append((self._total, file, first))
        self._hashes.append(hashes)
        self._total += len(hashes)

    def report(self, breaches: Breaches) -> None:
        """Count the repeats, a slice of the hashes at a time, so that no second copy of them all is needed."""
        count, repeated = 0, list[Any]()
        for number in range(_SLICES):
            piece = np.concatenate([np.empty(0, np.int64), *(each[each % _SLICES == number] for each in self._hashes)])
            piece.sort()
            repeats = piece[1:][piece[1:] == piece[:-1]]
            count += len(repeats)
            repeated.append(repeats[:10])
        if count:
            breaches.add("key", "", count, self._examples(np.concatenate(repeated)[:10]))

    def _examples(self, repeated: Any) -> list[Example]:
        first_seen: dict[int, str] = {}
        shown: list[Example] = []
        for hashes, (start, _, _) in zip(self._hashes, self._starts, strict=True):
            for at in np.flatnonzero(np.isin(hashes, repeated)):
                file, row = self._place(start + int(at))
                there = first_seen.setdefault(int(hashes[at]), f"{file} row {row}")
                if there != f"{file} row {row}":
                    shown.append(Example(file=file, row=row, value=f"the key of {there}"))
        return shown[:10]

    def _place(self, at: int) -> tuple[str, int]:
        start, file, first = next(each for each in reversed(self._starts) if each[0] <= at)
        return file, first + at - start + 1


def convert(raw: pa.Array, column: Column) -> pa.Array:
    """*raw* as the column's type; what cannot be converted becomes null. Text converts by what it says."""
    wanted = _TYPES[column.type]
    if raw.type == wanted:
        return raw
    text = pa.types.is_string(raw.type) or pa.types.is_large_string(raw.type)
    if not text and not _widens(raw.type, column):
        return pa.nulls(len(raw), wanted)
    try:
        return pc.cast(raw, wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _convert_each(raw, column, wanted)


def _widens(kind: pa.DataType, column: Column) -> bool:
    """Whether a typed source may stand for the column's type without guessing."""
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    widening = {
        "integer": pa.types.is_integer(kind),
        "number": numeric,
        "string": pa.types.is_dictionary(kind),
        "boolean": False,
        "date": pa.types.is_date(kind),
        "timestamp": pa.types.is_timestamp(kind) or pa.types.is_date(kind),
    }
    return bool(widening[column.type] or pa.types.is_null(kind))


def _convert_each(raw: pa.Array, column: Column, wanted: pa.DataType) -> pa.Array:
    """The slow way, taken only by batches with a value that does not convert."""
    if column.type in _NUMERAL and not pa.types.is_floating(raw.type):
        fits = pc.match_substring_regex(pc.utf8_trim_whitespace(raw), _NUMERAL[column.type])
        return pc.cast(pc.if_else(fits, pc.utf8_trim_whitespace(raw), None), wanted)
    return pa.array([_parse(value, column.type) for value in raw.to_pylist()], wanted)


def _parse(value: Any, kind: str) -> Any:
    if not isinstance(value, str):
        return value if kind == "timestamp" else None
    try:
        if kind == "date":
            return date.fromisoformat(value)
        if kind == "timestamp":
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except ValueError:
        return None
    return {"true": True, "false": False, "1": True, "0": False}.get(value.strip().lower())


def _count(counts: Counter[str], values: pa.Array) -> None:
    for item in pc.value_counts(values.drop_null()).to_pylist():
        name = str(item["values"])
        counts[name if name in counts or len(counts) < CATEGORIES else OTHER] += item["counts"]


def _sample(files: tuple[TableFile, ...], contract: DataContract, columns: tuple[Column, ...]) -> dict[str, list[Any]]:
    """The first rows' values of *columns*, enough for breakpoints."""
    sample: dict[str, list[Any]] = {column.name: [] for column in columns}
    rows = 0
    for file in files:
        for batch in read_batches(file, contract, Breaches()):
            for column in columns:
                if column.name in batch.schema.names:
                    sample[column.name] += convert(batch.column(column.name), column).drop_null().to_pylist()
            rows += batch.num_rows
            if rows >= _SAMPLE:
                return sample
    return sample
