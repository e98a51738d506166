"""What the readers of all formats give: pieces of a file, as columns of raw values."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from shared.adapters.tables.conversion import Typed, typed
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.data_measures import Breaches, Example

LONGEST_RECORD = 16 * 1024 * 1024
MOST_COLUMNS = 10_000
_NAMED_EXTRAS = 50
_OTHERS = "(others)"
_NAMED_ROW = re.compile(r"(?:Row #|line )([0-9]{1,18})")


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message says why."""


@dataclass(slots=True, kw_only=True)
class Piece:
    """*rows* records of a file, those that are no row of the table included; rows are counted from 1 in the piece.

    *columns* has raw Arrow values or typed ones; *numbers* says which rows they are, where it is not all of them.
    *names*, of a format without a header, are the columns that the piece showed to be there, with the row of each.
    *span* is how many numbers the piece takes, where lines without a record have one too.
    """

    rows: int
    columns: Mapping[str, pa.Array | Typed]
    names: Mapping[str, int] = field(default_factory=dict)
    numbers: Any = None
    breaches: Breaches = field(default_factory=Breaches)
    span: int = -1

    def typed(self, column: Column) -> Typed | None:
        """None where the piece has no such column."""
        raw = self.columns.get(column.name)
        return None if raw is None else typed(raw, column)

    def number(self, index: int) -> int:
        """The row of the value at *index*."""
        return index + 1 if self.numbers is None else int(self.numbers[index])


# Parsed in whichever thread is free: reading the file is for one thread alone.
Parse = Callable[[], Piece]


def fault_of(error: Exception) -> str:
    """The kind of *error* and the row that it names; the own words of most errors repeat what the row holds."""
    if isinstance(error, UnicodeDecodeError | RecursionError):
        return str(error)[:200]
    row = _NAMED_ROW.search(str(error))
    return f"{type(error).__name__}{f' in row {row[1]}' if row else ''}"


def compare_columns(name: str, first_rows: Mapping[str, int], contract: DataContract, breaches: Breaches) -> None:
    """Add a breach for each column that is missing, and for each that the contract does not name.

    *first_rows* says for each column of the file in which row it came first. More than fifty unnamed columns are
    counted together, because a hostile file may have any number of them. So are those that look like no column of the
    contract, if the file has none of its columns: such a first line is often a row of data, which must not be repeated.
    """
    for column in contract.names:
        if column not in first_rows:
            breaches.add("column", column, 1, [Example(file=name, row=0, value="no such column")])
    if contract.extra_columns != "refuse":
        return
    extra = [(column, row) for column, row in first_rows.items() if column not in contract.names]
    has_header = len(extra) < len(first_rows) or contract.format == "jsonl"
    for number, (column, row) in enumerate(extra):
        named = number < _NAMED_EXTRAS and (has_header or difflib.get_close_matches(column[:200], contract.names, 1))
        example = Example(file=name, row=row, value="remove it, or allow extra columns")
        breaches.add("extra", column[:200] if named else _OTHERS, 1, [example])


def single_array(array: pa.ChunkedArray) -> pa.Array:
    """One array of all chunks."""
    return array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()


def row_numbers(rows: int, skipped_numbers: Iterable[int]) -> Any:
    """The numbers of *rows* records without those that were *skipped_numbers*; None for all."""
    gaps = np.fromiter(skipped_numbers, dtype=np.int64)
    return None if not len(gaps) else np.delete(np.arange(1, rows + 1), gaps - 1)
