"""Measure files against a data contract, in one pass and bounded memory; it judges nothing."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from shared.adapters.reader.files import TableFile
from shared.adapters.reader.frames import ClosedConnection
from shared.adapters.tables.batches import Piece, UnreadableFile, compare_columns, fault_of
from shared.adapters.tables.keys import KeyPart, Keys, key_part
from shared.adapters.tables.piece_measures import PieceMeasurer, PieceMeasures
from shared.adapters.tables.pieces import map_pieces, pieces_of
from shared.adapters.tables.suspects import Suspects
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.data_measures import CATEGORIES, EXAMPLES, OTHER, Breaches, Example, Measurements, Tally
from shared.domain.data.reference_profile import ColumnProfile, ReferenceProfile, draft, with_counts, worth_profiling
from shared.domain.failures import Refused, Transient

_SAMPLE = 200_000
_MOST_NAMES = 1000
_SUSPECT_BYTES = 64 * 1024 * 1024
_NOT_THE_CONTENT = (ClosedConnection, Refused, Transient)  # The hub failed, or the app has gone.


def measure(files: Iterable[TableFile], contract: DataContract, reference: ReferenceProfile | None) -> Measurements:
    """Everything the judgement needs, from one pass over *files*, and another where keys look equal.

    Raises only what opening and reading a stream raises.
    """
    measuring = _Measuring(contract, reference.columns if reference else {})
    for file in files:
        measuring.read(file)
    return measuring.result()


def profile(files: Iterable[TableFile], contract: DataContract) -> ReferenceProfile:
    """The reference profile of *files*: breakpoints from the first rows, then counts over all of them."""
    all_files = tuple(files)
    columns = worth_profiling(contract)
    sample = _sample(all_files, contract, columns)
    drafts = {
        column.name: column_draft
        for column in columns
        if (column_draft := draft(column, sample[column.name])) is not None
    }
    measuring = _Measuring(contract, drafts)
    for file in all_files:
        measuring.read(file)
    return with_counts(drafts, measuring.result())


class _Measuring:
    def __init__(self, contract: DataContract, profiles: Mapping[str, ColumnProfile]) -> None:
        self._contract, self._profiles = contract, profiles
        self._breaches, self._rows = Breaches(), dict[str, int]()
        self._files: list[TableFile] = []
        self._cells: dict[str, Any] = {
            name: np.zeros(len(column.breakpoints) + 1, dtype=np.int64)
            for name, column in profiles.items()
            if column.kind == "numeric"
        }
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name, column in profiles.items() if column.kind == "categorical"
        }
        self._keys = Keys()

    def read(self, file: TableFile) -> None:
        """Any error that the content causes is a finding with its reason; the rows read before it count."""
        self._files.append(file)
        self._rows[file.name] = 0
        try:
            self._read(file)
        except _NOT_THE_CONTENT:
            raise
        except UnreadableFile as error:
            self._unreadable(file, str(error))
        except MemoryError:
            self._unreadable(file, "reading it takes more memory than there is for it")
        except Exception as error:
            # Parquet's own words are about the structure of the file; those of text formats repeat what a row holds.
            words = (str(error).splitlines() or [""])[0] if self._contract.format == "parquet" else ""
            self._unreadable(file, f"{words} ({type(error).__name__})" if words else fault_of(error))

    def result(self) -> Measurements:
        self._look_again()
        tallies = {name: Tally(cells=tuple(int(n) for n in cells)) for name, cells in self._cells.items()}
        tallies |= {name: Tally(counts=dict(counts)) for name, counts in self._counts.items()}
        return Measurements(rows_per_file=self._rows, breaches=self._breaches.all(), tallies=tallies)

    def _read(self, file: TableFile) -> None:
        measurer = PieceMeasurer(file.name, self._contract, self._profiles)
        headless, names, first = self._contract.format == "jsonl", dict[str, int](), 0
        with file.open() as stream:
            pieces = pieces_of(stream, file.name, self._contract, self._contract.names, self._breaches)
            for measures in map_pieces(pieces, measurer.measure):
                self._take(file.name, first, measures)
                for name, row in measures.names.items():
                    if len(names) < _MOST_NAMES or name in self._contract.names:
                        names.setdefault(name, first + row if row else 0)
                first += measures.span
        if headless and names:  # Without an object there are no fields; each line has its finding.
            compare_columns(file.name, names, self._contract, self._breaches)

    def _take(self, file: str, first: int, measures: PieceMeasures) -> None:
        self._rows[file] += measures.rows
        self._breaches.take(measures.breaches, first)
        for name, cells in measures.cells.items():
            self._cells[name] += cells
        for name, counts in measures.counts.items():
            totals = self._counts[name]
            for value, times in counts.items():
                totals[value if value in totals or len(totals) < CATEGORIES else OTHER] += times
        if measures.keys is not None:
            self._keys.add(measures.keys)

    def _unreadable(self, file: TableFile, reason: str) -> None:
        self._breaches.add("readable", "", 1, [Example(file=file.name, row=0, value=reason[:200])])

    def _look_again(self) -> None:
        """The keys whose hashes are equal, by their values: as many at a time as fit into memory."""
        count, hashes = self._keys.repeated()
        if not count:
            return
        slices = math.ceil((count + len(hashes)) * self._keys.bytes_per_row / _SUSPECT_BYTES)
        repeats, numbered_examples = 0, list[tuple[tuple[int, int], Example]]()
        for slice_hashes in np.array_split(hashes, max(1, slices)):
            slice_repeats, examples = self._suspects(slice_hashes).repeated()
            repeats += slice_repeats
            numbered_examples += examples
        if repeats:
            ordered_examples = [example for _, example in sorted(numbered_examples, key=lambda entry: entry[0])]
            self._breaches.add("key", "", repeats, ordered_examples[:EXAMPLES])

    def _suspects(self, hashes: Any) -> Suspects:
        suspects, key_columns = Suspects(), [c for c in self._contract.columns if c.name in self._contract.keys]
        for number, file in enumerate(self._files):
            first = 0
            with file.open() as stream:
                pieces = pieces_of(stream, file.name, self._contract, self._contract.keys, Breaches())
                try:
                    for span, part in map_pieces(pieces, lambda piece: _suspect_part(piece, key_columns, hashes)):
                        if part is not None:
                            suspects.add(number, file.name, replace(part, rows=part.rows + first))
                        first += span
                except _NOT_THE_CONTENT:
                    raise
                except Exception:  # The first look said what is wrong with it.
                    continue
        return suspects


def _suspect_part(piece: Piece, columns: list[Column], hashes: Any) -> tuple[int, KeyPart | None]:
    columns_by_name = {column.name: piece.typed(column) for column in columns}
    present = {name: values for name, values in columns_by_name.items() if values is not None}
    span = piece.rows if piece.span < 0 else piece.span
    return span, key_part(present, piece.numbers).chosen(hashes) if len(present) == len(columns) else None


def _sample(files: tuple[TableFile, ...], contract: DataContract, columns: tuple[Column, ...]) -> dict[str, list[Any]]:
    """The first rows' values of *columns*, enough for breakpoints."""
    sample: dict[str, list[Any]] = {column.name: [] for column in columns}
    rows = 0
    for file in files:
        with file.open() as stream:
            for parse in pieces_of(stream, file.name, contract, [column.name for column in columns], Breaches()):
                piece = parse()
                for column in columns:
                    if (values := piece.typed(column)) is not None:
                        sample[column.name] += _plain(values.values)
                rows += piece.rows
                if rows >= _SAMPLE:
                    return sample
    return sample


def _plain(values: pa.Array) -> list[Any]:
    return list(values.drop_null().to_pylist())
