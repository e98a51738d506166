"""The figures of a table whose columns are described: histograms, frequent values, correlations; in bounded memory."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.reader.files import TableFile
from shared.adapters.tables.batches import Piece, UnreadableFile
from shared.adapters.tables.overview.describing import TypedColumn, as_numbers, describe, pieces_in
from shared.domain.data.data_contract import ORDERED, Format
from shared.domain.datasets.profile import (
    BINS,
    MOST_COLUMNS,
    MOST_CORRELATED,
    MOST_VALUES,
    ColumnFigures,
    Correlations,
    Histogram,
    TableProfile,
    ValueCount,
)

_MOST_REMEMBERED = 10_000  # Different texts of a column, each of at most so many characters:
_LONGEST_TEXT = 80
_DAY_S = 86400.0


def profile_table(files: Sequence[TableFile], kind: Format, patterns: Sequence[str] = ()) -> TableProfile:
    """The figures of *files* together, which are read twice: for their types and ends, then for what lies between.

    The columns are those that *patterns* name, else all, up to a bound. Where a file cannot be read, its problem is all
    that there is.
    """
    description = describe(files, kind, lambda names: chosen_columns(names, patterns))
    if description.problems or description.contract is None:
        return TableProfile(rows=description.rows, problems=tuple(description.problems[:10]))
    counting = _Counting(list(description.columns.values()))
    for file in files:
        rules = tuple(column.rule for column in description.columns.values())
        contract = replace(description.begin(file, kind), columns=rules)
        for piece in pieces_in(file, contract):
            counting.take(piece)
    return TableProfile(
        rows=description.rows,
        columns=tuple(figures.result() for figures in counting.columns),
        others=description.others,
        correlations=counting.pairs.result(),
    )


def chosen_columns(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Those of *names* that *patterns* name, in the order of these; all of them where there are no patterns.

    Beyond the bound they are left out. Raises UnreadableFile for a pattern that names none.
    """
    chosen = dict.fromkeys(() if patterns else names)
    for pattern in patterns:
        matching = [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise UnreadableFile(f"it has no column {pattern[:200]!r}")
        chosen |= dict.fromkeys(matching)
    return list(chosen)[:MOST_COLUMNS]


class _Counting:
    def __init__(self, columns: Sequence[TypedColumn]) -> None:
        self.columns = [_Figures(column) for column in columns]
        numeric = [column for column in columns if column.kind in ("integer", "number") and column.ends is not None]
        self.pairs = _Pairs(numeric[:MOST_CORRELATED])

    def take(self, piece: Piece) -> None:
        numbers = dict[str, Any]()
        for figures in self.columns:
            cells = piece.typed(figures.column.rule)
            if cells is None:
                continue
            if figures.column.kind in ORDERED:
                floats = as_numbers(cells.values)
                numbers[figures.column.name] = floats
                figures.take_numbers(floats.drop_null().to_numpy(zero_copy_only=False))
            else:
                figures.take_texts(cells.values.drop_null())
        self.pairs.take(piece.rows, numbers)


class _Figures:
    """One column, piece by piece."""

    def __init__(self, column: TypedColumn) -> None:
        self.column, self._bins = column, np.zeros(BINS, dtype=np.int64)
        self._sum = self._squares = 0.0
        self._count = 0
        self._texts, self._many = Counter[str](), False

    def take_numbers(self, values: Any) -> None:
        if self.column.ends is None or not len(values):
            return
        low, high = self.column.ends
        width = (high - low) or 1.0
        # The share of the way from the lowest to the highest value: a difference of huge ends could not be divided.
        shares = values / width - low / width
        self._bins += np.bincount(np.clip((shares * BINS).astype(np.int64), 0, BINS - 1), minlength=BINS)
        self._count += len(values)
        self._sum += float(shares.sum())
        self._squares += float((shares * shares).sum())

    def take_texts(self, values: Any) -> None:
        for item in pc.value_counts(values).to_pylist():
            text = str(item["values"])[:_LONGEST_TEXT]
            if text in self._texts or len(self._texts) < _MOST_REMEMBERED:
                self._texts[text] += item["counts"]
            else:
                self._many = True  # What comes late is not counted any more: the frequent ones have come before.

    def result(self) -> ColumnFigures:
        column = self.column
        figures = ColumnFigures(name=column.name[:200], type=column.shown_kind, missing=column.missing)
        if column.ends is not None:
            return self._with_numbers(figures, *column.ends)
        values = tuple(ValueCount(value=text, count=count) for text, count in self._texts.most_common(MOST_VALUES))
        return replace(figures, values=values, distinct=len(self._texts), many=self._many)

    def _with_numbers(self, figures: ColumnFigures, low: float, high: float) -> ColumnFigures:
        width, kind = (high - low) or 1.0, self.column.kind
        figures = replace(figures, low=_shown(low, kind), high=_shown(high, kind))
        if not math.isfinite(width) or not self._count:
            return figures  # No float holds the distance of the ends: nothing can be placed between them.
        unit = _DAY_S if kind == "date" else 1.0
        bins = tuple(int(count) for count in self._bins)
        figures = replace(figures, histogram=Histogram(low=low * unit, high=high * unit, bins=bins))
        if kind in ("date", "timestamp"):
            return figures
        mean = self._sum / self._count
        variance = max(0.0, self._squares / self._count - mean * mean)
        return replace(figures, mean=low + mean * width, deviation=math.sqrt(variance) * width)


class _Pairs:
    """The sums behind the correlations of *columns*, over the rows that have both values of a pair."""

    def __init__(self, columns: Sequence[TypedColumn]) -> None:
        self._columns, size = columns, len(columns)
        self._counts, self._sums, self._squares, self._products = (np.zeros((size, size)) for _ in range(4))

    def take(self, rows: int, numbers: Mapping[str, Any]) -> None:
        if len(self._columns) < 2 or not rows:
            return
        values = np.column_stack([self._placed(column, numbers, rows) for column in self._columns])
        is_there = (~np.isnan(values)).astype(float)
        values = np.nan_to_num(values)
        self._counts += is_there.T @ is_there
        self._sums += values.T @ is_there
        self._squares += (values * values).T @ is_there
        self._products += values.T @ values

    def result(self) -> Correlations | None:
        if len(self._columns) < 2:
            return None
        with np.errstate(all="ignore"):
            count, first, second = self._counts, self._sums, self._sums.T
            covariance = self._products - first * second / count
            spread = np.sqrt((self._squares - first**2 / count) * (self._squares.T - second**2 / count))
            coefficients = covariance / spread
        rows = tuple(tuple(_coefficient(value) for value in row) for row in coefficients.tolist())
        return Correlations(columns=tuple(column.name[:200] for column in self._columns), rows=rows)

    @staticmethod
    def _placed(column: TypedColumn, numbers: Mapping[str, Any], rows: int) -> Any:
        """The values from -1 at the lowest to 1 at the highest: sums of squares of large numbers would lose digits."""
        floats = numbers.get(column.name)
        low, high = column.ends or (0.0, 1.0)
        if floats is None or low == high or not math.isfinite(high - low):
            return np.full(rows, np.nan)
        middle, half = low / 2 + high / 2, high / 2 - low / 2
        return (floats.cast(pa.float64()).to_numpy(zero_copy_only=False) - middle) / half


def _coefficient(value: float) -> float | None:
    return None if math.isnan(value) or math.isinf(value) else max(-1.0, min(1.0, round(value, 6)))


def _shown(value: float, kind: str) -> str:
    if kind == "date":
        return (date(1970, 1, 1) + timedelta(days=int(value))).isoformat()
    if kind == "timestamp":
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)).replace(tzinfo=None).isoformat(" ")
    return f"{value:.12g}"
