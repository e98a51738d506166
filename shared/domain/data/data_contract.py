"""A data contract: what a file must look like before a model scores it or learns from it.

`shared.config.contract_file` has the form that its file has, and what is refused there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.domain.data.contract_values import Bound, ColumnType
from shared.domain.project_functions import ProjectFunction

Format = Literal["csv", "jsonl", "parquet"]
ExtraColumns = Literal["refuse", "allow"]
Inconclusive = Literal["pass", "fail"]
ORDERED = ("integer", "number", "date", "timestamp")
DEFAULT_NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; *min* and *max* are inclusive, *pattern* matches the whole value, *allowed* leaves nulls alone.

    Where CSV has no header, *field* says which field of a record it is: from 1, or from -1 for the last backwards.
    """

    name: str
    type: ColumnType
    nullable: bool = False
    min: Bound | None = None
    max: Bound | None = None
    allowed: tuple[Any, ...] = ()
    pattern: str = ""
    field: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvDialect:
    """How CSV is written; *null_values* are the unquoted texts that mean "no value".

    Without *header* each column says which field it is, and fields that no column names are not judged.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    null_values: tuple[str, ...] = DEFAULT_NULLS
    header: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Compare *columns* (all profiled ones where empty) with the profile at *reference*, beside the contract.

    *alpha*, *effect* and *minimum_sample* are those of `shared.domain.statistics.shifts.ShiftRule`. With *psi_limit* a
    column that moved fails only where its population stability index is at least that large.
    """

    reference: str
    alpha: float = 0.01
    effect: float = 0.1
    minimum_sample: int = 100
    columns: tuple[str, ...] = ()
    psi_limit: float | None = None
    inconclusive: Inconclusive = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRule:
    """A rule of the project: its *function* is asked about the *columns* of each row (all of them where it is empty).

    Its file lies below the contract's folder. *options* are what it gets beside the row.
    """

    function: ProjectFunction
    columns: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataContract:
    """What every file of an arrival obeys; *keys* are unique together, over all files."""

    format: Format
    columns: tuple[Column, ...]
    csv: CsvDialect = field(default_factory=CsvDialect)
    keys: tuple[str, ...] = ()
    extra_columns: ExtraColumns = "refuse"
    min_rows: int = 1
    tolerance: float = 0.0
    distribution: Distribution | None = None
    rules: tuple[DataRule, ...] = ()
    owner: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
