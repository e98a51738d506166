"""The figures of a table, as a page and JSON show them: for each column its values, and how columns go together."""

from dataclasses import dataclass

from shared.domain.datasets.contents import BoxFacts

BINS = 24  # Of a histogram.
MOST_COLUMNS = 200  # That are described; the others are only named.
MOST_CORRELATED = 30
MOST_VALUES = 12  # The most frequent ones of a column that are shown.


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    value: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many values lie in each of the equal *bins* from *low* to *high*; of days and moments in seconds of 1970."""

    low: float
    high: float
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFigures:
    """A column: *missing* rows have no value. Of numbers *mean* and *deviation* are given, and a *histogram*; of days
    and moments the histogram; of all others the most frequent *values*.

    *distinct* values were counted, at least so many where *many* is set.
    """

    name: str
    type: str
    missing: int
    low: str = ""
    high: str = ""
    mean: float | None = None
    deviation: float | None = None
    histogram: Histogram | None = None
    values: tuple[ValueCount, ...] = ()
    distinct: int = 0
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlations:
    """Pearson's coefficient of each pair of the numeric *columns* over the rows that have both; None where one of them
    does not vary.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """The figures of a table; *others* are the names of columns that are too many to describe."""

    rows: int
    columns: tuple[ColumnFigures, ...] = ()
    others: tuple[str, ...] = ()
    correlations: Correlations | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetProfile:
    """What `signalbox data profile` shows of *name*: a table, or images with boxes."""

    name: str
    bytes: int
    table: TableProfile | None = None
    boxes: BoxFacts | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Why there are no figures, or not all."""
        return self.table.problems if self.table else self.boxes.problems if self.boxes else ()
