"""Pages of a list: a cursor names the last row of a page, so rows that come later shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias, TypeVar

from shared.application.lists import NEWEST, ListPage, RowOrder, page_of
from shared.records.lists.index import Entry
from shared.validation.rules import Text, Whole
from triggers.http.exchange.problems import Problem

T = TypeVar("T")
PAGE = 100
_OFFSET, _LONGEST_OFFSET = "rows", 6
Cursor: TypeAlias = Annotated[str, Text(shortest=0, longest=512, pattern=r"[A-Za-z0-9_=-]*")]
Limit: TypeAlias = Annotated[int, Whole(least=1, most=PAGE)]


def page(
    rows: Sequence[T], order: Callable[[T], tuple[str, str]], limit: int, cursor: str, *, down: bool = True
) -> tuple[tuple[T, ...], str]:
    """The *limit* rows after *cursor*, the greatest by *order* first unless it does not go *down*, and the next cursor,
    empty at the end."""
    ordered_rows = sorted(rows, key=order, reverse=down)
    if cursor:
        last = read_cursor(cursor)
        ordered_rows = [row for row in ordered_rows if order(row) != last and (order(row) < last) is down]
    rows_of_page = tuple(ordered_rows[:limit])
    return rows_of_page, written_cursor(order(rows_of_page[-1])) if len(ordered_rows) > limit else ""


Moment: TypeAlias = Annotated[
    str,
    Text(
        shortest=0,
        longest=40,
        pattern=r"(\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?)?",
        means="a time in ISO 8601, such as 2026-11-30 or 2026-11-30T08:00Z; UTC where no zone is named",
    ),
]


class RowState(StrEnum):
    """Whether what is listed is under way or has ended."""

    OPEN = "open"
    ENDED = "ended"


def order_of(sort: str) -> RowOrder:
    """The order that *sort* names: a column, with `-` before it the greatest first; without any the newest first."""
    return RowOrder(column=sort.removeprefix("-"), down=sort.startswith("-")) if sort else NEWEST


def rows_behind(rows: Sequence[T], name_of: Callable[[T], str], after: str) -> Sequence[T]:
    """*rows* behind the one called *after*, all of them without it. Raises Problem where it is not among them: where it
    would stand, its name does not tell."""
    if not after:
        return rows
    for place, row in enumerate(rows, 1):
        if name_of(row) == after:
            return rows[place:]
    raise Problem(422, "bad query", f"after is {after!r}, which is not in the list any more; leave it out to start")


def utc_text(moment: str) -> str:
    """*moment* as records carry it (ISO 8601, UTC), empty where it is. Raises Problem for 30 February."""
    if not moment:
        return ""
    try:
        time = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Problem(400, "bad query", f"{moment!r} is no time: {error}") from error
    return (time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()


def indexed_page(
    kind: str, entries: Sequence[Entry], limit: int, cursor: str, order: RowOrder = NEWEST
) -> tuple[ListPage, str]:
    """The page behind *cursor* of *entries* of the index of *kind*, and the next cursor, empty at the end."""
    rows = page_of(kind, entries, limit, read_cursor(cursor) if cursor else None, order)
    return rows, written_cursor(rows.last) if rows.last else ""


def written_cursor(last: tuple[str, str]) -> str:
    """The cursor behind *last*, whatever it names."""
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode()


def read_cursor(cursor: str) -> tuple[str, str]:
    """What `written_cursor` was given. Raises Problem."""
    try:
        raw: Any = json.loads(base64.urlsafe_b64decode(cursor))
        first, second = raw
    except (binascii.Error, ValueError, TypeError) as error:
        raise Problem(
            422, "bad query", "cursor is not one that a page gave as `next`; leave it out to start"
        ) from error
    return str(first), str(second)


def written_offset(number: int) -> str:
    """The cursor behind the first *number* rows, which names none of them."""
    return written_cursor((_OFFSET, str(number)))


def read_offset(cursor: str) -> int:
    """How many rows the pages before had. Raises Problem."""
    kind, number = read_cursor(cursor) if cursor else (_OFFSET, "0")
    if kind != _OFFSET or not number.isascii() or not number.isdigit() or len(number) > _LONGEST_OFFSET:
        raise Problem(422, "bad query", "cursor is not one that a page gave as `next`; leave it out to start")
    return int(number)
