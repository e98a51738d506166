"""Events that started nothing, over HTTP: when each came, from where, and why nothing followed.

Events that could not be read or delivered are dead letters (`triggers.http.letters.dead_letters`).
"""

from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Annotated

from shared.domain.teams.ownership import Belonging
from shared.domain.teams.views import owner_of_path
from shared.records.line_logs import LinePlace
from shared.records.operations import IgnoredEvent, ignored_events
from shared.validation.rules import Text
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.pages import PAGE, Cursor, Limit, read_cursor, read_offset, written_cursor, written_offset
from triggers.http.exchange.problems import Problem

_MOST_LOOKED_AT = 20_000  # Lines of the log; a team's own are found among everybody's.


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredFilters:
    """*day* is a day in UTC, like 2026-01-31; every day without it."""

    day: Annotated[str, Text(shortest=0, longest=10, pattern=r"([0-9]{4}-[0-9]{2}-[0-9]{2})?")] = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredPage:
    """The newest first; *next* is the `cursor` of the next page, empty at the end."""

    events: tuple[IgnoredEvent, ...]
    next: str = ""


def list_ignored_events(request: ApiRequest, query: IgnoredFilters) -> IgnoredPage:
    """Events that were taken in and started nothing, each with the reason; what looks like a secret is left out."""
    if not request.scope.whole:
        return _own_events(request, query)
    rows_after = ignored_events(request.clients.store, _day(query.day), _place(query.cursor))
    rows = list(islice(rows_after, query.limit + 1))
    rows_of_page = rows[: query.limit]
    last = rows_of_page[-1][0] if len(rows) > query.limit else None
    following = written_cursor((last.part, str(last.number))) if last else ""
    return IgnoredPage(events=tuple(event for _, event in rows_of_page), next=following)


def _own_events(request: ApiRequest, query: IgnoredFilters) -> IgnoredPage:
    """What concerns the caller's teams. The cursor counts their rows: a place in the log would count everybody's."""
    first = read_offset(query.cursor)
    newest = islice(ignored_events(request.clients.store, _day(query.day)), _MOST_LOOKED_AT)
    rows = list(islice((event for _, event in newest if is_in_scope(request, event)), first, first + query.limit + 1))
    following = written_offset(first + query.limit) if len(rows) > query.limit else ""
    return IgnoredPage(events=tuple(rows[: query.limit]), next=following)


def is_in_scope(request: ApiRequest, event: IgnoredEvent) -> bool:
    """Whether the file or the model version that the event was about belongs to the caller's teams."""
    owner = owner_of_path(request.clients.configuration, event.subject)
    return request.scope.covers(owner) or request.sees(Belonging.MODEL, event.subject.partition(":")[0])


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Problem(422, "bad query", f"day is {text!r}; give a day of the calendar, like 2026-01-31") from error


def _place(cursor: str) -> LinePlace | None:
    """Where the page before ended. Raises Problem."""
    if not cursor:
        return None
    part, number = read_cursor(cursor)
    if not number.isascii() or not number.isdigit():
        raise Problem(422, "bad query", "cursor is not one that a page gave as `next`; leave it out to start")
    return LinePlace(part=part, number=int(number))
