"""Rows of a file as plain values, for the rules of a project: numbers, texts, booleans, and moments in ISO 8601."""

import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np

from shared.adapters.reader.files import TableFile
from shared.adapters.reader.frames import ClosedConnection
from shared.adapters.tables.batches import Piece
from shared.adapters.tables.conversion import Typed
from shared.adapters.tables.pieces import map_pieces, pieces_of
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.data_measures import Breaches
from shared.domain.failures import Refused, Transient

_ROWS = 5000
_NOT_THE_CONTENT = (ClosedConnection, Refused, Transient)  # The hub failed, or the app has gone.


def plain_rows(file: TableFile, contract: DataContract, names: Sequence[str]) -> Iterator[bytes]:
    """Parts of *file* as JSON: `rows`, each with the values of the columns *names*, and their `numbers` in the file.

    A column that is not there and content that cannot be read end it: measuring the file finds both.
    """
    columns, first = [next(c for c in contract.columns if c.name == name) for name in names], 0
    with file.open() as stream:
        pieces = pieces_of(stream, file.name, contract, names, Breaches())
        try:
            for piece in map_pieces(pieces, lambda piece: piece):
                yield from _parts(piece, columns, first)
                first += piece.rows if piece.span < 0 else piece.span
        except _NOT_THE_CONTENT:
            raise
        except Exception:
            return


def _parts(piece: Piece, columns: Sequence[Column], first: int) -> Iterator[bytes]:
    typed_columns = [typed for column in columns if (typed := piece.typed(column)) is not None]
    if len(typed_columns) < len(columns) or not typed_columns:
        return
    fit = _of_their_types(typed_columns)
    for start in range(0, len(fit), _ROWS):
        places = fit[start : start + _ROWS]
        cells = [_plain(typed.values.take(places).to_pylist()) for typed in typed_columns]
        part = {
            "numbers": [first + piece.number(int(place)) for place in places],
            "rows": list(zip(*cells, strict=True)),
        }
        yield json.dumps(part).encode()


def _of_their_types(columns: Sequence[Typed]) -> "np.ndarray":
    """The places of the rows in which no value is of another type."""
    bad = np.zeros(len(columns[0].values), dtype=bool)
    for column in columns:
        if column.bad is not None:
            bad |= column.bad
    return np.flatnonzero(~bad)


def _plain(values: list[Any]) -> list[Any]:
    return [value.isoformat() if isinstance(value, date) else value for value in values]
