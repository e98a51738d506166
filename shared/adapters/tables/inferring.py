"""What the columns of a file look like: which types all their values have, between which ends they lie, which are few.

It infers, and decides nothing about what is right: a person reads what comes of it.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from shared.adapters.reader.files import local_file
from shared.adapters.tables.batches import Piece
from shared.adapters.tables.overview.describing import contract_of
from shared.adapters.tables.pieces import map_pieces, pieces_of
from shared.domain.data.contract_values import ColumnType
from shared.domain.data.data_contract import ORDERED, Column, DataContract, Format
from shared.domain.data.data_measures import Breaches

_ORDER: tuple[ColumnType, ...] = ("integer", "number", "boolean", "date", "timestamp", "string")
_FORMATS: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
_MOST_DIFFERENT = 1_000_000


@dataclass(slots=True, kw_only=True)
class SeenColumn:
    """A column as its values showed it: all of them are of *type*, and *ends* are the least and the most.

    *values* are the different ones as texts; None where there are too many to remember.
    """

    name: str
    type: ColumnType
    rows: int = 0
    missing: int = 0
    ends: tuple[Any, Any] | None = None
    values: set[str] | None = field(default_factory=set)


def dialect_of(file: Path) -> DataContract:
    """A contract with the format and the delimiter of *file*, whose columns are all texts. Raises ValueError."""
    kind = _FORMATS.get(file.suffix.lower())
    if kind is None:
        raise ValueError(f"{file} is called neither {', '.join(_FORMATS)}; its name says how it is read")
    return replace(contract_of(local_file(file), kind, {}, "string"), extra_columns="refuse")


def seen_columns(file: Path, contract: DataContract) -> tuple[SeenColumn, ...]:
    """Every column of *file*, each of the narrowest type that all of its values have.

    The file is read once, and again for columns whose type only a later piece disproves. JSON is parsed by types, and
    so it is read for each type that is tried. Raises whatever reading it raises.
    """
    columns, places = dict[str, SeenColumn](), dict.fromkeys(contract.names, 0)
    while places:
        columns |= _read_once(file, contract, places)
        places = {name: place for name, place in places.items() if name not in columns}
    return tuple(columns[name] for name in contract.names)


def _read_once(file: Path, contract: DataContract, places: dict[str, int]) -> dict[str, SeenColumn]:
    """The columns whose values all have one type; *places* says which of the types is tried first, and is moved on."""
    columns = {name: SeenColumn(name=name, type=_ORDER[place]) for name, place in places.items()}
    contract = replace(contract, columns=tuple(map(_rule, columns.values())), extra_columns="allow")
    table = local_file(file)
    with table.open() as stream:
        pieces = pieces_of(stream, table.name, contract, list(columns), Breaches())
        for piece in map_pieces(pieces, lambda piece: piece):
            for column in list(columns.values()):
                while not _take(column, piece):
                    places[column.name] += 1
                    column.type = _ORDER[places[column.name]]
                    if column.missing < column.rows or contract.format == "jsonl":
                        del columns[column.name]  # Values that were seen before have to be read as the wider type.
                        break
    for column in list(columns.values()):
        if column.missing == column.rows and column.type != "string":  # A column without values is a text.
            places[column.name] = _ORDER.index("string")
            del columns[column.name]
    return columns


def _rule(column: SeenColumn) -> Column:
    return Column(name=column.name, type=column.type, nullable=True)


def _take(column: SeenColumn, piece: Piece) -> bool:
    """Note the values of *piece*; False, with nothing noted, where some are not of the column's type."""
    cells = piece.typed(_rule(column))
    if cells is None:
        column.rows, column.missing = column.rows + piece.rows, column.missing + piece.rows
        return True
    if cells.bad_count and column.type != "string":
        return False
    column.rows += piece.rows
    column.missing += cells.absent_count
    if column.type in ORDERED and len(cells.values) > cells.values.null_count:
        ends = pc.min_max(cells.values)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        first, last = column.ends or (low, high)
        column.ends = (min(first, low), max(last, high))
    if column.values is not None:
        column.values.update(str(value) for value in pc.unique(cells.values.drop_null()).to_pylist())
        if len(column.values) > _MOST_DIFFERENT:
            column.values = None
    return True
