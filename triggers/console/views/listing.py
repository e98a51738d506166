"""What the pages of lists share: the filters that stand in the address, and the way to the next page.

It stands alone, because every list uses it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from triggers.http.exchange.problems import Problem

T = TypeVar("T")


def asked(query: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The filters of the list in *query*; an empty one is none, and anything else in the address is not the API's."""
    return {name: query[name] for name in names if query.get(name)}


def next_page(path: str, query: Mapping[str, str], cursor: str, name: str = "cursor") -> str:
    """The address of the page behind *cursor*, which the API takes as *name*; empty on the last one."""
    return f"{path}?{urlencode({**query, name: cursor})}" if cursor else ""


def in_order(rows: Sequence[T], sort: str, columns: Mapping[str, Callable[[T], Any]]) -> Sequence[T]:
    """*rows* of a list that comes whole, by the column that *sort* names, the greatest first with `-` before it; those
    without a value last. As they are where it is empty; what comes in pages is sorted by the API. Raises Problem."""
    if not sort:
        return rows
    value_of = columns.get(sort.removeprefix("-"))
    if value_of is None:
        raise Problem(400, "bad query", f"{sort!r} is no order of this list; it has {', '.join(columns)}")
    known = sorted((row for row in rows if value_of(row) is not None), key=value_of, reverse=sort.startswith("-"))
    return [*known, *(row for row in rows if value_of(row) is None)]
