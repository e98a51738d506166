"""One piece of a file against the rules of its contract: what is broken, and what is counted for distributions."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.tables.batches import Piece
from shared.adapters.tables.conversion import TYPES, Typed
from shared.adapters.tables.keys import SortedHashes, key_part
from shared.domain.data.contract_values import whole_value
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.data_measures import EXAMPLES, Breaches, Example, Rule
from shared.domain.data.reference_profile import ColumnProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceMeasures:
    """What one piece showed; rows are counted from 1 in the piece. *cells* and *counts* are by column."""

    rows: int
    span: int
    names: Mapping[str, int]
    breaches: Breaches
    cells: Mapping[str, Any]
    counts: Mapping[str, Counter[str]]
    keys: SortedHashes | None


class PieceMeasurer:
    """Measures pieces of one file, in any thread."""

    def __init__(self, file: str, contract: DataContract, profiles: Mapping[str, ColumnProfile]) -> None:
        self._file, self._contract, self._profiles = file, contract, profiles
        self._edges = {
            name: np.asarray(column.breakpoints) for name, column in profiles.items() if column.kind == "numeric"
        }

    def measure(self, piece: Piece) -> PieceMeasures:
        columns = {column.name: piece.typed(column) for column in self._contract.columns}
        present = {name: column for name, column in columns.items() if column is not None}
        for column in self._contract.columns:  # Few texts: each of them is looked at once.
            if column.allowed and column.type == "string" and column.name in present:
                present[column.name] = _by_dictionary(present[column.name])
        for column in self._contract.columns:
            if column.name in present:
                self._rules(piece, column, present[column.name])
        has_keys = self._contract.keys and all(key in present for key in self._contract.keys)
        return PieceMeasures(
            rows=piece.rows,
            span=piece.rows if piece.span < 0 else piece.span,
            names=piece.names,
            breaches=piece.breaches,
            cells={name: _cells(present[name].values, edges) for name, edges in self._edges.items() if name in present},
            counts={
                name: _counts(present[name].values)
                for name, profile in self._profiles.items()
                if profile.kind == "categorical" and name in present
            },
            keys=SortedHashes(key_part({key: present[key] for key in self._contract.keys}, piece.numbers))
            if has_keys
            else None,
        )

    def _rules(self, piece: Piece, column: Column, cells: Typed) -> None:
        values = cells.values
        if not column.nullable and cells.absent_count:
            self._broken(piece, "null", column, cells, cells.absent)
        if cells.bad_count:
            self._broken(piece, "type", column, cells, cells.bad)
        if column.min is not None or column.max is not None:
            self._bounds(piece, column, cells)
        if column.allowed:
            allowed_values = pa.array(column.allowed, TYPES[column.type])
            self._unfit(
                piece, "allowed", column, cells, _map_chunks(values, lambda chunk: pc.is_in(chunk, allowed_values))
            )
        if column.pattern:
            expression = whole_value(column.pattern)
            fits = _map_chunks(values, lambda chunk: pc.match_substring_regex(chunk, expression))
            self._unfit(piece, "pattern", column, cells, fits)

    def _bounds(self, piece: Piece, column: Column, cells: Typed) -> None:
        """The extremes first: where they are inside, so is everything."""
        values = cells.values
        extremes = pc.min_max(values)
        if column.min is not None:
            low = pa.scalar(column.min, values.type)
            if pc.less(extremes["min"], low).as_py():
                self._broken(piece, "min", column, cells, _true(pc.less(values, low)))
        if column.max is not None:
            high = pa.scalar(column.max, values.type)
            if pc.greater(extremes["max"], high).as_py():
                self._broken(piece, "max", column, cells, _true(pc.greater(values, high)))

    def _unfit(self, piece: Piece, rule: Rule, column: Column, cells: Typed, fits: pa.Array) -> None:
        value_count = len(cells.values) - cells.values.null_count
        if fits.true_count != value_count:
            broken_mask = pc.and_(pc.is_valid(cells.values), pc.invert(fits))
            self._broken(piece, rule, column, cells, _true(broken_mask))

    def _broken(self, piece: Piece, rule: Rule, column: Column, cells: Typed, mask: Any) -> None:
        positions = np.flatnonzero(mask)
        if len(positions):
            examples = [
                Example(file=self._file, row=piece.number(int(at)), value=cells.show(int(at)))
                for at in positions[:EXAMPLES]
            ]
            piece.breaches.add(rule, column.name, len(positions), examples)


def _by_dictionary(texts: Typed) -> Typed:
    return replace(texts, values=texts.values.dictionary_encode())


def _map_chunks(values: pa.Array, test: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """*test* of each value; of a dictionary's values only once."""
    if not pa.types.is_dictionary(values.type):
        return test(values)
    return test(values.dictionary).take(values.indices)


def _true(mask: pa.Array) -> Any:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)


def _cells(values: pa.Array, edges: Any) -> Any:
    """How many values are in each cell between *edges*: sorted values are counted faster than each is placed."""
    numbers = values.drop_null() if values.null_count else values
    if not pa.types.is_floating(numbers.type):
        numbers = pc.cast(numbers, pa.float64(), safe=False)
    sorted_numbers = np.sort(numbers.to_numpy(zero_copy_only=False))
    below = np.searchsorted(sorted_numbers, edges, side="right")
    return np.diff(below, prepend=0, append=len(sorted_numbers))


def _counts(values: pa.Array) -> Counter[str]:
    value_counts = pc.value_counts(values.drop_null())
    return Counter({str(item["values"]): item["counts"] for item in value_counts.to_pylist()})
