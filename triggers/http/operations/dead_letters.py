"""Events and messages that could not be taken in: list them with their reasons, see what a replay would do, and replay.

Those that Signalbox could not read and those that Event Grid could not deliver lie in one container; what a queue gave
up by itself stays in the queue (`triggers.http.operations.queue_letters`).
"""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.clients import Clients
from shared.durable.starting import Client
from shared.ports import Blob
from triggers.events.dry_run import foreseen
from triggers.events.event_grid import receive
from triggers.http.operations import queue_letters
from triggers.http.operations.letter_pages import Place, stored_letters
from triggers.http.pages import page, read_cursor, written_cursor
from triggers.http.problems import Problem
from triggers.http.requests import LetterFilters
from triggers.http.responses import work as answers

_AT_ONCE, _LONGEST_REASON, _MOST_EVENTS = 8, 1000, 100
_QUEUES, _STORED, _WIDE, _OWN = "queues", "stored", "wide", "own"  # What a cursor goes on with.


async def list_letters(clients: Clients, wanted: LetterFilters) -> answers.LetterPage:
    """Those of the queues, then what is stored, the newest days first; `total` where one page has them all."""
    return await asyncio.to_thread(_page, clients, wanted)


def _page(clients: Clients, wanted: LetterFilters) -> answers.LetterPage:
    kind, after = read_cursor(wanted.cursor) if wanted.cursor else (_QUEUES, "")
    rows, unseen, place = list[answers.LetterRow](), tuple[str, ...](), None
    if kind == _QUEUES:
        dead, unseen = queue_letters.rows(clients)
        given, following = page(dead, lambda row: (row.stored, row.path), wanted.limit, after)
        if len(given) == wanted.limit:
            following = written_cursor((_QUEUES, following) if following else (_STORED, ""))
            return answers.LetterPage(letters=given, next=following, unseen=unseen)
        rows += given
    elif kind != _STORED:
        place = Place(folder=kind.partition(":")[2], after=after, wide=kind.startswith(_WIDE))
    container = clients.configuration.hub.dead_letters
    blobs, ended = stored_letters(clients.hub, container, wanted.limit - len(rows), place)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows += pool.map(lambda blob: _row(clients, blob), blobs)
    following = (
        "" if ended is None else written_cursor((f"{_WIDE if ended.wide else _OWN}:{ended.folder}", ended.after))
    )
    total = None if wanted.cursor or following else len(rows)
    return answers.LetterPage(total=total, letters=tuple(rows), next=following, unseen=unseen)


async def show(clients: Clients, path: str) -> answers.LetterShown:
    """One letter with its events, and what a replay would do."""
    if queue_letters.is_queue_letter(path):
        return await queue_letters.show(clients, path)
    content = await asyncio.to_thread(_read, clients, path)
    blob = await asyncio.to_thread(clients.hub.find, clients.configuration.hub.dead_letters, path)
    events = tuple(_events(content))
    return answers.LetterShown(
        path=path,
        stored=blob.modified.isoformat() if blob else "",
        reason=_reason(content)[:_LONGEST_REASON],
        events=events[:_MOST_EVENTS],
        would=await asyncio.to_thread(_would, clients, events),
        more=len(events[_MOST_EVENTS:]),
    )


async def replay(client: Client, clients: Clients, path: str, dry_run: bool) -> answers.Replayed:
    """Take the letter's events in again; a dry run only says what would happen."""
    if queue_letters.is_queue_letter(path):
        return await queue_letters.replay(client, clients, path, dry_run)
    events = _events(await asyncio.to_thread(_read, clients, path))
    if dry_run:
        would = await asyncio.to_thread(_would, clients, events)
        return answers.Replayed(path=path, dry_run=True, events=would, more=len(events[_MOST_EVENTS:]))
    said = tuple([await receive(client, clients, event) for event in events])
    return answers.Replayed(path=path, dry_run=False, events=said)


def _would(clients: Clients, events: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    """What a replay would do with the first of the *events*."""
    return tuple(tuple(foreseen(clients, event)) for event in events[:_MOST_EVENTS])


def _row(clients: Clients, blob: Blob) -> answers.LetterRow:
    """A stored letter is read for its reason, and told without one where it goes meanwhile."""
    raw = clients.hub.read(blob.container, blob.path)
    reason = "" if raw is None else _reason(_content(raw))[:_LONGEST_REASON]
    return answers.LetterRow(path=blob.path, stored=blob.modified.isoformat(), reason=reason)


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
    """Whatever it is, it is shown."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode(errors="replace")[:1000]


def _events(content: Any) -> list[Any]:
    """Signalbox keeps one event beside its reason, Event Grid an array of events that carry theirs."""
    if isinstance(content, list):
        return content
    return [content["event"]] if isinstance(content, dict) and "event" in content else [content]
