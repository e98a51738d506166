"""What a table is, read once: its columns, each of the narrowest type that all its values have, and between which ends.

It infers and decides nothing. `profiling` reads the same files again for histograms; `inferring` finds the types of one
local file in the same way, for a contract that a person writes.
"""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from shared.adapters.reader.files import TableFile
from shared.adapters.tables.batches import MOST_COLUMNS, Piece, UnreadableFile, fault_of
from shared.adapters.tables.pieces import map_pieces, pieces_of
from shared.domain.counts import counted
from shared.domain.data.contract_values import ColumnType
from shared.domain.data.data_contract import ORDERED, Column, CsvDialect, DataContract, Format
from shared.domain.data.data_measures import Breach, Breaches
from shared.domain.datasets.contents import DatasetColumn, TableFacts

NARROWEST: ColumnType = "integer"
_ORDER: tuple[ColumnType, ...] = (NARROWEST, "number", "boolean", "date", "timestamp", "string")
# The types that the values of others have, too, and the factor between the numbers of both.
_WIDER: dict[ColumnType, tuple[ColumnType, float]] = {"integer": ("number", 1.0), "date": ("timestamp", 86400.0)}
_DELIMITERS = ",;\t|"
_LONGEST_HEADER = 256 * 1024
_LINES = 1000  # Of JSON, in which every column must occur once.
_SHOWN = 10

# The columns to read of those that a file has. Raises UnreadableFile where it has none of them.
Choice = Callable[[Sequence[str]], Sequence[str]]


@dataclass(slots=True, kw_only=True)
class TypedColumn:
    """A column so far: *kind* fits all *rows* unless *misfits* is set; *ends* are the least and the most of its values.
    *unreadable* values are not even texts.
    """

    name: str
    kind: ColumnType = NARROWEST
    rows: int = 0
    missing: int = 0
    ends: tuple[Any, Any] | None = None
    misfits: bool = False
    unreadable: int = 0

    @property
    def rule(self) -> Column:
        return Column(name=self.name, type=self.kind, nullable=True)

    @property
    def shown_kind(self) -> ColumnType:
        """A column without values is one of texts."""
        return self.kind if self.rows > self.missing else "string"

    def take(self, piece: Piece, *, as_text: bool) -> None:
        """Note the values of *piece*; where they are kept *as_text* or by their own types, a wider one is tried."""
        cells = piece.typed(self.rule)
        while as_text and cells is not None and cells.bad_count and self._widen():
            cells = piece.typed(self.rule)
        self.rows += piece.rows
        self.missing += piece.rows if cells is None else cells.absent_count
        if cells is None:
            return
        if cells.bad_count:
            self.misfits, self.unreadable = True, self.unreadable + cells.bad_count
        if not cells.bad_count or self.kind == "string":
            self._note(cells.values)

    @property
    def next_kind(self) -> ColumnType | None:
        """The type by which the files are to be read again; None where all values fit, or are not even texts."""
        return self._following_kind if self.misfits else None

    @property
    def _following_kind(self) -> ColumnType | None:
        return None if self.kind == "string" else _ORDER[_ORDER.index(self.kind) + 1]

    def _widen(self) -> bool:
        """Whether there is another type to try: any while nothing was read, and then one that what was read fits too.

        Beyond that only another reading can tell.
        """
        if self.rows > self.missing:
            return self._widen_values()
        kind = self._following_kind
        self.kind = kind or self.kind
        return kind is not None

    def _widen_values(self) -> bool:
        if self.kind not in _WIDER:
            return False
        self.kind, factor = _WIDER[self.kind]
        self.ends = self.ends and (self.ends[0] * factor, self.ends[1] * factor)
        return True

    def _note(self, values: Any) -> None:
        """Note the *values* of a piece, which are all of the column's type; of ends the numbers, by `as_numbers`."""
        if self.kind in ORDERED:
            self._note_ends(as_numbers(values))

    def _note_ends(self, values: Any) -> None:
        if len(values) > values.null_count:
            ends = pc.min_max(values)
            low, high = ends["min"].as_py(), ends["max"].as_py()
            first, last = self.ends or (low, high)
            self.ends = (min(first, low), max(last, high))


@dataclass(slots=True, kw_only=True)
class Description:
    """The *columns* of all files together; *problems* say what is wrong with which file.

    *choice* says which of the files' columns are read; the *others* are only named.
    """

    kinds: dict[str, ColumnType] = field(default_factory=dict)
    choice: Choice = list
    contract: DataContract | None = None
    others: tuple[str, ...] = ()
    columns: dict[str, TypedColumn] = field(default_factory=dict)
    rows: int = 0
    problems: list[str] = field(default_factory=list)

    def begin(self, file: TableFile, kind: Format) -> DataContract:
        """The contract by which *file* is read. Raises UnreadableFile where it has other columns than those before."""
        contract = contract_of(file, kind, self.kinds)
        if self.contract is None:
            rules = {rule.name: rule for rule in contract.columns}
            chosen = self.choice(contract.names)
            self.contract = replace(contract, columns=tuple(rules[name] for name in chosen))
            self.columns = {name: TypedColumn(name=name, kind=rules[name].type) for name in chosen}
            self.others = tuple(name for name in contract.names if name not in self.columns)
        known = {*self.columns, *self.others}
        if set(contract.names) != known:
            differing = ", ".join(sorted(set(contract.names) ^ known)[:_SHOWN])
            raise UnreadableFile(f"it differs from the files before it in the columns {differing}")
        return replace(self.contract, csv=contract.csv)

    def facts(self) -> TableFacts:
        columns = tuple(
            DatasetColumn(name=column.name, type=column.shown_kind, missing=column.missing)
            for column in self.columns.values()
        )
        return TableFacts(rows=self.rows, columns=columns, problems=tuple(self.problems[:_SHOWN]))


def describe(files: Sequence[TableFile], kind: Format, choice: Choice = list) -> Description:
    """What *files* of one format are together, as far as *choice* reads them.

    What a file holds never makes it raise: that is a problem.
    """
    description = _read(files, kind, {}, choice)
    while followers := next_kinds(description.columns.values()):
        others = {column.name: column.kind for column in description.columns.values()}
        description = _read(files, kind, others | followers, choice)
    for column in description.columns.values():
        if column.unreadable:
            unreadable = counted(column.unreadable, "value that is", "values that are")
            problem = f"column {column.name[:60]!r} has {unreadable} no text of UTF-8"
            description.problems.append(problem)
    if not description.rows and not description.problems:
        description.problems.append("the files have no rows")
    return description


def next_kinds(columns: Iterable[TypedColumn]) -> dict[str, ColumnType]:
    """The types to try next, by the names of those *columns* that need another reading.

    JSON is parsed by the type that is asked for, and values that were read already may not fit the next type. There are
    few types.
    """
    return {column.name: column.next_kind for column in columns if column.next_kind is not None}


def _read(files: Sequence[TableFile], kind: Format, kinds: dict[str, ColumnType], choice: Choice) -> Description:
    description = Description(kinds=kinds, choice=choice)
    for file in files:
        try:
            for piece in pieces_in(file, description.begin(file, kind)):
                description.rows += piece.rows
                for column in description.columns.values():
                    column.take(piece, as_text=kind != "jsonl")
        except (UnreadableFile, pa.ArrowException, ValueError, RecursionError, MemoryError, OSError) as error:
            description.problems.append(f"{file.name}: {_reason(error, kind)}")
    return description


def pieces_in(file: TableFile, contract: DataContract) -> Iterator[Piece]:
    """The pieces of *file* with the columns of *contract*. Raises UnreadableFile for a record that is none of them."""
    breaches = Breaches()
    with file.open() as stream:
        for piece in map_pieces(pieces_of(stream, file.name, contract, contract.names, breaches), lambda piece: piece):
            if found := next(iter(piece.breaches.all()), None):
                raise UnreadableFile(_place_of(found, contract.format)[:300])
            yield piece


def _place_of(breach: Breach, kind: Format) -> str:
    """The row that broke a rule. Only of CSV the example is a count of fields; else it repeats what the row holds."""
    if not breach.examples:
        return breach.rule
    example = breach.examples[0]
    words = example.value if (breach.rule, kind) == ("shape", "csv") else f"it cannot be read as {kind}"
    return f"row {example.row}: {words}"


def as_numbers(values: Any) -> Any:
    """Numbers, days or moments as 64-bit floats: days since 1970, and seconds since then."""
    if pa.types.is_date32(values.type):
        return values.cast(pa.int32()).cast(pa.float64())
    if pa.types.is_timestamp(values.type):
        return pc.divide(values.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6)
    return values.cast(pa.float64(), safe=False)


def contract_of(
    file: TableFile, kind: Format, kinds: Mapping[str, ColumnType], otherwise: ColumnType = NARROWEST
) -> DataContract:
    """A contract with the columns of *file*, of the types *kinds* or *otherwise*. Raises ValueError, UnreadableFile."""
    delimiter = ","
    with file.open() as stream:
        if kind == "parquet":
            names = list(pa_parquet.read_schema(stream).names)
        else:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            if kind == "csv":
                first = text.readline(_LONGEST_HEADER)
                delimiter = max(_DELIMITERS, key=first.count)
                text.seek(0)
                names = next(csv.reader(text, delimiter=delimiter), [])
            else:
                names = _names_of_records(text)
    if not names or len(set(names)) < len(names):
        raise UnreadableFile("it has no header with different names")
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile(f"it has {len(names)} columns, more than {MOST_COLUMNS}")
    columns = tuple(Column(name=name, type=kinds.get(name, otherwise), nullable=True) for name in names)
    return DataContract(format=kind, columns=columns, csv=CsvDialect(delimiter=delimiter), extra_columns="allow")


def _names_of_records(text: io.TextIOWrapper) -> list[str]:
    lines = itertools.islice(iter(lambda: text.readline(16 * 1024 * 1024), ""), _LINES)
    records = [json.loads(line) for line in lines if line.strip()]
    if not all(isinstance(record, dict) for record in records):
        raise UnreadableFile("a line of it is no JSON object")
    return list(dict.fromkeys(name for record in records for name in record))


def _reason(error: Exception, kind: Format) -> str:
    """The first line of our own words, and of Parquet's, which are about structure; else the kind of *error*."""
    if isinstance(error, UnreadableFile) or kind == "parquet":
        return (str(error).splitlines() or [type(error).__name__])[0][:300]
    return fault_of(error)
