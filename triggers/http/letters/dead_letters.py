"""Events and messages that could not be taken in: list them with their reasons, see what a replay would do, and replay.

Those that Signalbox could not read and those that Event Grid could not deliver lie in one container; what a queue gave
up by itself stays in the queue (`triggers.http.letters.queue_letters`), and notices are among the records
(`triggers.http.letters.notice_letters`).
"""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from typing import Any

from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.ports import Blob
from triggers.events.dispatch import dispatch
from triggers.events.dry_run import foresee
from triggers.events.owners import owner_of_events
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.pages import order_of, page, read_cursor, read_offset, written_cursor, written_offset
from triggers.http.exchange.problems import Problem, outside_scope
from triggers.http.inference.run_records import sees_data
from triggers.http.letters import notice_letters, queue_letters
from triggers.http.letters.pages import Place, stored_letters
from triggers.http.letters.types import (
    HIDDEN_RECORDS,
    LetterFilters,
    LetterNamed,
    LetterPage,
    LetterRow,
    LetterShown,
    Replay,
    Replayed,
)
from triggers.queues.queue_messages import RECORDS

_AT_ONCE, _LONGEST_REASON, _MOST_EVENTS = 8, 1000, 100
_MOST_LOOKED_AT = 2_000  # Stored letters, among which those of a team are looked for.
_MOST_SORTED = 500  # Stored letters: each is read for its reason.
_QUEUES, _STORED, _WIDE, _OWN = "queues", "stored", "wide", "own"  # What a cursor goes on with.


def list_dead_letters(request: ApiRequest, query: LetterFilters) -> LetterPage:
    """The letters of the queues and notices that could not be sent, then the stored ones, the newest days first.

    `total` is there where one page has them all. In another order they are the newest 500 that are stored.
    """
    clients = request.clients
    if query.sort or not request.scope.whole:
        return _letters_that_fit(request, query)
    kind, after = read_cursor(query.cursor) if query.cursor else (_QUEUES, "")
    rows, unseen, place = list[LetterRow](), tuple[str, ...](), None
    if kind == _QUEUES:
        rows_of_queues, unseen = queue_letters.rows(clients, request.scope)
        rows_of_queues += notice_letters.rows(clients, request.scope)
        rows_of_page, following = page(rows_of_queues, lambda row: (row.stored, row.path), query.limit, after)
        if len(rows_of_page) == query.limit:
            following = written_cursor((_QUEUES, following) if following else (_STORED, ""))
            return LetterPage(letters=rows_of_page, next=following, unseen=unseen)
        rows += rows_of_page
    elif kind != _STORED:
        place = Place(folder=kind.partition(":")[2], after=after, wide=kind.startswith(_WIDE))
    container = clients.configuration.hub.dead_letters
    blobs, end = stored_letters(clients.hub, container, query.limit - len(rows), place)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows += pool.map(lambda blob: _row(clients, blob), blobs)
    following = "" if end is None else written_cursor((f"{_WIDE if end.wide else _OWN}:{end.folder}", end.after))
    total = None if query.cursor or following else len(rows)
    return LetterPage(total=total, letters=tuple(rows), next=following, unseen=unseen)


async def show_dead_letter(request: ApiRequest, query: LetterNamed) -> LetterShown:
    """One letter with its events, and what a replay would do."""
    clients, path = request.clients, query.path
    await _refuse_outside(request, path)
    if queue_letters.is_queue_letter(path):
        return await queue_letters.show(clients, path, sees_data(request, "", request.owner))
    if notice_letters.is_notice_letter(path):
        return await notice_letters.show(clients, path)
    content = await asyncio.to_thread(_read, clients, path)
    blob = await asyncio.to_thread(clients.hub.find, clients.configuration.hub.dead_letters, path)
    events = tuple(_events(content))
    return LetterShown(
        path=path,
        stored=blob.modified.isoformat() if blob else "",
        reason=_reason(content)[:_LONGEST_REASON],
        # Signalbox stores letters without secrets; what Event Grid has stored by itself may have some.
        events=tuple(without_secrets(shown_event(request, event)) for event in events[:_MOST_EVENTS]),
        would=await asyncio.to_thread(_would, clients, events),
        more=len(events[_MOST_EVENTS:]),
    )


async def replay_dead_letter(request: ApiRequest, body: Replay) -> Replayed:
    """Take the letter's events in again; a dry run only says what would happen."""
    clients, path = request.clients, body.path
    await _refuse_outside(request, path)
    if queue_letters.is_queue_letter(path):
        return await queue_letters.replay(request.client, clients, path, body.dry_run)
    if notice_letters.is_notice_letter(path):
        return await notice_letters.replay(clients, path, body.dry_run)
    events = _events(await asyncio.to_thread(_read, clients, path))
    if body.dry_run:
        would = await asyncio.to_thread(_would, clients, events)
        return Replayed(path=path, dry_run=True, events=would, more=len(events[_MOST_EVENTS:]))
    results = tuple([await dispatch(request.client, clients, event) for event in events])
    return Replayed(path=path, dry_run=False, events=results)


def shown_event(request: ApiRequest, event: Any) -> Any:
    """*event* as the caller may see it: the records of a stream are data, and so is what should have been some."""
    if not isinstance(event, dict) or event.get("type") != RECORDS or sees_data(request, "", request.owner):
        return event
    return {**event, "data": HIDDEN_RECORDS}


def _letters_that_fit(request: ApiRequest, query: LetterFilters) -> LetterPage:
    """The letters about what the caller's teams own: those of the queues, then the stored ones, or as `sort` says.

    The cursor counts letters of theirs. A place in the container would say where letters of other teams lie.
    """
    clients, first = request.clients, read_offset(query.cursor)
    most = _MOST_SORTED if request.scope.whole else _MOST_LOOKED_AT
    rows, unseen = queue_letters.rows(clients, request.scope)
    rows += notice_letters.rows(clients, request.scope)
    rows.sort(key=attrgetter("stored", "path"), reverse=True)
    blobs, end = stored_letters(clients.hub, clients.configuration.hub.dead_letters, most, None)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows += filter(None, pool.map(lambda blob: _own_row(request, blob), blobs))
    if query.sort:
        order = order_of(query.sort)
        rows.sort(key=attrgetter(order.column, "path"), reverse=order.down)
    if end is not None and request.scope.whole:
        unseen = (*unseen, f"stored letters beyond the newest {most}: they are listed without `sort`")
    elif end is not None:
        unseen = (*unseen, f"stored letters beyond the newest {most}: a role of the platform sees them")
    letters = tuple(rows[first : first + query.limit])
    following = written_offset(first + query.limit) if len(rows) > first + query.limit else ""
    return LetterPage(
        total=None if query.cursor or following else len(letters), letters=letters, next=following, unseen=unseen
    )


def _own_row(request: ApiRequest, blob: Blob) -> LetterRow | None:
    raw = request.clients.hub.read(blob.container, blob.path)
    if raw is None or not _is_own(request, _content(raw)):
        return None
    return LetterRow(path=blob.path, stored=blob.modified.isoformat(), reason=_reason(_content(raw))[:_LONGEST_REASON])


def _is_own(request: ApiRequest, content: Any) -> bool:
    return request.scope.covers(owner_of_events(request.clients, _events(content)))


async def _refuse_outside(request: ApiRequest, path: str) -> None:
    """Raises Problem unless the letter at *path* is inside the caller's scope."""
    if request.scope.whole:
        return
    clients = request.clients
    letters = queue_letters if queue_letters.is_queue_letter(path) else notice_letters
    if letters is queue_letters or notice_letters.is_notice_letter(path):
        owner = await letters.owner(clients, path)
        is_own = owner is not None and request.scope.covers(owner)
    else:
        raw = await asyncio.to_thread(clients.hub.read, clients.configuration.hub.dead_letters, path)
        is_own = raw is not None and _is_own(request, _content(raw))
    if not is_own:
        raise outside_scope()


def _would(clients: Clients, events: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    """What a replay would do with the first of the *events*."""
    return tuple(tuple(foresee(clients, event)) for event in events[:_MOST_EVENTS])


def _row(clients: Clients, blob: Blob) -> LetterRow:
    """A stored letter with its reason; without one where it is removed meanwhile."""
    raw = clients.hub.read(blob.container, blob.path)
    reason = "" if raw is None else _reason(_content(raw))[:_LONGEST_REASON]
    return LetterRow(path=blob.path, stored=blob.modified.isoformat(), reason=reason)


def _reason(content: Any) -> str:
    if isinstance(content, dict) and content.get("reason"):
        return str(content["reason"])
    events = [event for event in _events(content) if isinstance(event, dict)]
    return ", ".join(str(event.get("deadLetterReason", "")) for event in events)


def _read(clients: Clients, path: str) -> Any:
    container = clients.configuration.hub.dead_letters
    raw = clients.hub.read(container, path)
    if raw is None:
        raise Problem(404, "no such letter", f"{container}/{path} is not there; list the letters first")
    return _content(raw)


def _content(raw: bytes) -> Any:
    """The JSON in *raw*, or its text where it is none: a letter that nobody can read is shown too."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode(errors="replace")[:1000]


def _events(content: Any) -> list[Any]:
    """Signalbox keeps one event beside its reason; Event Grid keeps an array of events, each with its own reason."""
    if isinstance(content, list):
        return content
    return [content["event"]] if isinstance(content, dict) and "event" in content else [content]
