"""Pages of a list: a cursor names the last row of a page, so rows that come later shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

from shared.validation.rules import Text, Whole
from triggers.http.problems import Problem

T = TypeVar("T")
PAGE = 100
Cursor: TypeAlias = Annotated[str, Text(shortest=0, longest=512, pattern=r"[A-Za-z0-9_=-]*")]
Limit: TypeAlias = Annotated[int, Whole(least=1, most=PAGE)]


def page(
    rows: Sequence[T], order: Callable[[T], tuple[str, str]], limit: int, cursor: str
) -> tuple[tuple[T, ...], str]:
    """The *limit* rows after *cursor*, the greatest by *order* first, and the next cursor, empty at the end."""
    ordered_rows = sorted(rows, key=order, reverse=True)
    if cursor:
        last = read_cursor(cursor)
        ordered_rows = [row for row in ordered_rows if order(row) < last]
    rows_of_page = tuple(ordered_rows[:limit])
    return rows_of_page, written_cursor(order(rows_of_page[-1])) if len(ordered_rows) > limit else ""


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
