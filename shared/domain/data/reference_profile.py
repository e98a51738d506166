"""How the columns of the training data were distributed: what arrivals are compared with.

A profile is small JSON: no row of the data is in it, save the extreme and the breakpoint values.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from shared.domain.data.data_contract import Column, DataContract
from shared.domain.data.data_measures import Measurements, Tally
from shared.domain.statistics.shifts import Counts

VERSION = 2  # Version 1 had no cell below the smallest value; it is still read.
BREAKPOINTS = 1024
FEW_INTEGERS = 20
MANY_TEXTS = 100


class ProfileError(ValueError):
    """The reference profile cannot be used; the message says which part and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Numeric: *cells* counts values <= breakpoint 0, between breakpoints, above the last. Categorical: *counts*.

    Breakpoint 0 lies just below the smallest value of the sample that the breakpoints are from: what is smaller than
    anything known has a cell of its own, as what is larger has.
    """

    kind: Literal["numeric", "categorical"]
    breakpoints: tuple[float, ...] = ()
    cells: tuple[int, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.cells) + sum(self.counts.values())

    def beside(self, tally: Tally) -> Counts:
        """The profile's counts beside those of *tally*, which was counted in the profile's cells."""
        if self.kind == "numeric":
            return Counts(reference=self.cells, sample=tally.cells or (0,) * len(self.cells), ordered=True)
        names = sorted({*self.counts, *tally.counts})
        before, after = ([counts.get(name, 0) for name in names] for counts in (self.counts, tally.counts))
        return Counts(reference=before, sample=after, ordered=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceProfile:
    """The profile of *rows* rows; columns that were not worth profiling (keys, free text, dates) are not in it."""

    rows: int
    columns: Mapping[str, ColumnProfile]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; `parse_profile` reads it back."""
        columns = {
            name: {"kind": "numeric", "breakpoints": list(column.breakpoints), "cells": list(column.cells)}
            if column.kind == "numeric"
            else {"kind": "categorical", "counts": dict(column.counts)}
            for name, column in self.columns.items()
        }
        return {"version": VERSION, "rows": self.rows, "columns": columns}


def parse_profile(mapping: Any) -> ReferenceProfile:
    """The profile that *mapping* (parsed JSON) holds; ProfileError where it is not one."""
    try:
        version = mapping["version"]
        if version not in (1, VERSION):
            raise ProfileError(f"version {version!r} of a reference profile is not known: make it again")
        columns = {name: _column(name, column) for name, column in mapping["columns"].items()}
        if version == 1:
            columns = {name: _with_cell_below(column) for name, column in columns.items()}
        return ReferenceProfile(rows=_count(mapping["rows"]), columns=columns)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as mistake:
        if isinstance(mistake, ProfileError):
            raise
        raise ProfileError(f"this is not a reference profile ({mistake!r}): make it again") from mistake


def _column(name: str, column: Mapping[str, Any]) -> ColumnProfile:
    if column["kind"] == "categorical":
        return ColumnProfile(kind="categorical", counts={str(k): _count(v) for k, v in column["counts"].items()})
    if column["kind"] != "numeric":
        raise ProfileError(f"column {name!r} of the reference profile is of kind {column['kind']!r}: make it again")
    breakpoints = tuple(float(edge) for edge in column["breakpoints"])
    cells = tuple(_count(count) for count in column["cells"])
    finite = all(map(math.isfinite, breakpoints))
    increasing = all(low < high for low, high in itertools.pairwise(breakpoints))
    if not finite or not increasing or len(cells) != len(breakpoints) + 1:
        raise ProfileError(f"column {name!r} of the reference profile needs rising breakpoints and one more cell")
    return ColumnProfile(kind="numeric", breakpoints=breakpoints, cells=cells)


def _with_cell_below(column: ColumnProfile) -> ColumnProfile:
    """*column* of version 1: its first breakpoint was its smallest value, and nothing lay below."""
    if not column.breakpoints:
        return column
    breakpoints = (below(column.breakpoints[0]), *column.breakpoints)
    return replace(column, breakpoints=breakpoints, cells=(0, *column.cells))


def below(value: float) -> float:
    """The largest number that is smaller than *value*."""
    return math.nextafter(value, -math.inf)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ProfileError(f"the reference profile counts {value!r}: make it again")
    return value


def unfit_columns(profile: ReferenceProfile, contract: DataContract) -> Iterator[tuple[str, str]]:
    """Each profiled column that values of *contract* could never be compared with, and why."""
    types = {column.name: column.type for column in contract.columns}
    kinds = {"numeric": ("integer", "number"), "categorical": ("string", "boolean", "integer")}
    for name, column_profile in profile.columns.items():
        if name not in types:
            yield name, "is not a column of the contract"
        elif types[name] not in kinds[column_profile.kind]:
            yield name, f"is {column_profile.kind}, and the contract's column is a {types[name]}"


def worth_profiling(contract: DataContract) -> tuple[Column, ...]:
    """The columns the contract tests, or else all but its keys, dates and timestamps, which always move on."""
    tested_columns = contract.distribution.columns if contract.distribution else ()
    if tested_columns:
        return tuple(column for column in contract.columns if column.name in tested_columns)
    moving = ("date", "timestamp")
    return tuple(
        column for column in contract.columns if column.type not in moving and column.name not in contract.keys
    )


def draft(column: Column, sample: Sequence[Any]) -> ColumnProfile | None:
    """Breakpoints or categories from a *sample* of the values, with nothing counted yet; None for free text."""
    values = sorted(set(sample))
    if column.type in ("string", "boolean") or (column.type == "integer" and len(values) <= FEW_INTEGERS):
        free = column.type == "string" and len(values) > MANY_TEXTS
        return None if free or not values else ColumnProfile(kind="categorical", counts={str(v): 0 for v in values})
    finite = sorted(float(value) for value in sample if math.isfinite(value))
    return ColumnProfile(kind="numeric", breakpoints=_quantiles(finite)) if finite else None


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """At most BREAKPOINTS values, evenly spaced in rank, both ends among them; and one just below the smallest."""
    points = sorted(set(values))
    if len(points) > BREAKPOINTS:
        last = len(values) - 1
        points = sorted({values[round(at * last / (BREAKPOINTS - 1))] for at in range(BREAKPOINTS)})
    return (below(points[0]), *points)


def with_counts(drafts: Mapping[str, ColumnProfile], measurements: Measurements) -> ReferenceProfile:
    """The *drafts* with their counts from *measurements*."""
    columns = {
        name: ColumnProfile(kind=draft.kind, breakpoints=draft.breakpoints, cells=tally.cells, counts=tally.counts)
        for name, draft in drafts.items()
        if (tally := measurements.tallies.get(name)) is not None
    }
    return ReferenceProfile(rows=measurements.rows, columns=columns)
