"""What the columns of a file look like: which types all their values have, between which ends they lie, which are few.

It infers, and decides nothing about what is right: a person reads what comes of it.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from shared.adapters.reader.files import local_file
from shared.adapters.tables.overview.describing import NARROWEST, TypedColumn, contract_of, next_kinds
from shared.adapters.tables.pieces import map_pieces, pieces_of
from shared.domain.data.contract_values import ColumnType
from shared.domain.data.data_contract import ORDERED, DataContract, Format
from shared.domain.data.data_measures import Breaches

_FORMATS: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
_MOST_DIFFERENT = 1_000_000


@dataclass(slots=True, kw_only=True)
class SeenColumn(TypedColumn):
    """A column as its values showed it: *ends* are values of its type, and *values* the different ones as texts; None
    where there are too many to remember.
    """

    values: set[str] | None = field(default_factory=set)

    @property
    def next_kind(self) -> ColumnType | None:
        """A column without values is read again as one of texts: some of these may be no missing values."""
        if self.rows == self.missing and self.kind != "string":
            return "string"
        return super(SeenColumn, self).next_kind  # A class with slots is made twice, and a bare super() has the first.

    def _widen_values(self) -> bool:
        """Values that were noted have other texts as values of a wider type."""
        return False

    def _note(self, values: Any) -> None:
        if self.kind in ORDERED:
            self._note_ends(values)
        if self.values is not None:
            self.values.update(str(value) for value in pc.unique(values.drop_null()).to_pylist())
            if len(self.values) > _MOST_DIFFERENT:
                self.values = None


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
    columns, kinds = dict[str, SeenColumn](), dict.fromkeys(contract.names, NARROWEST)
    while kinds:
        read = _read_once(file, contract, [SeenColumn(name=name, kind=kind) for name, kind in kinds.items()])
        columns |= {column.name: column for column in read}
        kinds = next_kinds(read)
    return tuple(columns[name] for name in contract.names)


def _read_once(file: Path, contract: DataContract, columns: list[SeenColumn]) -> list[SeenColumn]:
    """*columns*, after they have taken the values of the file."""
    contract = replace(contract, columns=tuple(column.rule for column in columns), extra_columns="allow")
    table, names = local_file(file), [column.name for column in columns]
    with table.open() as stream:
        pieces = pieces_of(stream, table.name, contract, names, Breaches())
        for piece in map_pieces(pieces, lambda piece: piece):
            for column in columns:
                if not column.misfits:
                    column.take(piece, as_text=contract.format != "jsonl")
    return columns
