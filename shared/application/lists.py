"""Pages of the lists of runs, promotions and imports: which rows match, how many there are, and where a page begins.

What a row means is its capability's business, as are the names of its columns (`shared.records.lists.rows`).
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from threading import Lock

from shared.domain.configuration import Configuration
from shared.domain.teams.ownership import Belonging, Scope
from shared.records.lists.index import Entry, RowSet, first_behind, row_of
from shared.records.lists.rows import COLUMNS, IMPORTS, PROMOTIONS, RUNS

_SELECTIONS = 8  # A selection of a hundred thousand rows holds a megabyte of references.
_OWNERS = {
    RUNS: (Belonging.ROUTE, "route"),
    PROMOTIONS: (Belonging.MODEL, "model"),
    IMPORTS: (Belonging.ROUTE, "route"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """*equal*: the value by column, where it matters; *since* and *until* bound the time of the opening (ISO 8601 UTC).

    *ended* names the column that is empty while a row is under way, and *is_open* whether it must be. *part*: a part of
    the value by column.
    """

    equal: Mapping[str, str] = field(default_factory=dict)
    since: str = ""
    until: str = ""
    ended: str = ""
    is_open: bool | None = None
    part: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """The same for filters that let the same rows through."""
        equal = sorted((name, value) for name, value in self.equal.items() if value)
        parts = sorted((name, value) for name, value in self.part.items() if value)
        return (tuple(equal), self.since, self.until, self.ended, self.is_open, tuple(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOrder:
    """*column* by which rows are listed, the greatest first where it goes *down*; of one value the newest first."""

    column: str = "opened"
    down: bool = True

    def of(self, kind: str, entries: Sequence[Entry]) -> Sequence[Entry]:
        """*entries*, which are the newest first, in this order."""
        if self == NEWEST:
            return entries
        return tuple(sorted(entries, key=itemgetter(COLUMNS[kind].index(self.column)), reverse=self.down))

    def first_behind(self, kind: str, entries: Sequence[Entry], after: tuple[str, str]) -> int:
        """The place behind the row that had the value and the name *after* when its page was made."""
        if self == NEWEST:
            return first_behind(entries, after)
        value, name = after
        place = COLUMNS[kind].index(self.column)
        same = (at for at, entry in enumerate(entries) if entry[-1] == name and entry[place] == value)
        # A row that has another value by now is elsewhere: the page goes on behind the value that it had.
        beyond = (
            at for at, entry in enumerate(entries) if entry[place] != value and (entry[place] < value) is self.down
        )
        found = next(same, None)
        return next(beyond, len(entries)) if found is None else found + 1


NEWEST = RowOrder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The *entries* that a filter lets through, in an order, and how many have each value of a column."""

    entries: Sequence[Entry]
    counts: Mapping[str, int]


class Selections:
    """The newest selections of a worker. Each is as good as new while the rows are those of which it was made.

    A page needs a hundred rows, and the counts beside them need all: looking at a hundred thousand rows at each
    request, and for each page behind the first one, was most of a page's cost.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept = OrderedDict[tuple[object, ...], tuple[RowSet, Selection]]()

    def find(self, kind: str, rows: RowSet, key: tuple[object, ...]) -> Selection | None:
        with self._lock:
            kept_rows, selection = self._kept.get((kind, *key), (None, None))
            return selection if kept_rows is rows else None

    def keep(self, kind: str, rows: RowSet, key: tuple[object, ...], selection: Selection) -> None:
        with self._lock:
            # What was selected of earlier rows would hold them in memory, and is never asked for again.
            for other in [other for other, (kept, _) in self._kept.items() if other[0] == kind and kept is not rows]:
                del self._kept[other]
            self._kept[kind, *key] = (rows, selection)
            if len(self._kept) > _SELECTIONS:
                self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """*rows* by column, with `name`; *last* is the place of the last one, None where nothing follows it."""

    total: int
    rows: tuple[dict[str, str], ...]
    last: tuple[str, str] | None


def rows_in_scope(kind: str, rows: RowSet, configuration: Configuration, scope: Scope) -> RowSet:
    """*rows* without those of what is outside *scope*: they are neither listed nor counted, and begin no page."""
    if scope.whole:
        return rows
    belonging, column = _OWNERS[kind]
    names = {name for team in configuration.teams if scope.covers(team.name) for name in team.names.get(belonging, ())}
    place = COLUMNS[kind].index(column)
    return replace(rows, entries=tuple([entry for entry in rows.entries if entry[place] in names]))


def matching(kind: str, rows: RowSet, wanted: RowFilter) -> Sequence[Entry]:
    """The entries that *wanted* lets through, the newest first."""
    columns, entries = COLUMNS[kind], rows.entries
    # A list comprehension for each condition that is there: a hundred thousand rows pass one in a few milliseconds.
    for name, value in wanted.equal.items():
        if value:
            place = columns.index(name)
            entries = tuple([entry for entry in entries if entry[place] == value])
    for name, value in wanted.part.items():
        if value:
            place = columns.index(name)
            entries = tuple([entry for entry in entries if value in entry[place]])
    if wanted.is_open is not None:
        place = columns.index(wanted.ended)
        entries = tuple([entry for entry in entries if (not entry[place]) is wanted.is_open])
    if wanted.since or wanted.until:
        until = wanted.until or "~"  # Greater than every time.
        entries = tuple([entry for entry in entries if wanted.since <= entry[0] < until])
    return entries


def counted(kind: str, entries: Sequence[Entry], column: str) -> dict[str, int]:
    """How many of *entries* have each value of *column*."""
    return dict(Counter(map(itemgetter(COLUMNS[kind].index(column)), entries)))


def page_of(
    kind: str, entries: Sequence[Entry], limit: int, after: tuple[str, str] | None, order: RowOrder = NEWEST
) -> ListPage:
    """The *limit* entries behind the place *after*: the value by which they are in *order*, and the name, of the last
    one before them."""
    start = 0 if after is None else order.first_behind(kind, entries, after)
    chosen = entries[start : start + limit]
    place = COLUMNS[kind].index(order.column)
    return ListPage(
        total=len(entries),
        rows=tuple(row_of(kind, entry) for entry in chosen),
        last=(chosen[-1][place], chosen[-1][-1]) if start + limit < len(entries) else None,
    )
