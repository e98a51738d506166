"""Events and messages that could not be taken in: list them with their reasons, see what a replay would do, and replay.

Those that Signalbox could not read and those that Event Grid could not deliver lie in one container; what a queue gave
up by itself stays in the queue (`triggers.queue_letters`).
"""

import asyncio
import json
from dataclasses import replace
from typing import Any

from shared.clients import Clients
from shared.durable import Client
from triggers import answers, queue_letters
from triggers.foreseen import foreseen
from triggers.hub_events import receive
from triggers.pages import page
from triggers.problems import Problem
from triggers.requests import Page


async def list_letters(clients: Clients, wanted: Page) -> answers.LetterPage:
    """The newest first: where each lies, and why it is there."""
    container = clients.configuration.hub.dead_letters
    blobs = await asyncio.to_thread(lambda: list(clients.hub.list(container, "")))
    dead, unseen = await asyncio.to_thread(queue_letters.rows, clients)
    rows = [*(answers.LetterRow(path=blob.path, stored=blob.modified.isoformat()) for blob in blobs), *dead]
    given, following = page(rows, lambda row: (row.stored, row.path), wanted.limit, wanted.cursor)
    letters = await asyncio.to_thread(lambda: tuple(_reasoned(clients, row) for row in given))
    return answers.LetterPage(total=len(rows), letters=letters, next=following, unseen=unseen)


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
        reason=_reason(content),
        events=events,
        would=tuple(tuple(foreseen(clients, event)) for event in events),
    )


async def replay(client: Client, clients: Clients, path: str, dry_run: bool) -> answers.Replayed:
    """Take the letter's events in again; a dry run only says what would happen."""
    if queue_letters.is_queue_letter(path):
        return await queue_letters.replay(client, clients, path, dry_run)
    content = await asyncio.to_thread(_read, clients, path)
    if dry_run:
        said = [tuple(foreseen(clients, event)) for event in _events(content)]
    else:
        said = [await receive(client, clients, event) for event in _events(content)]
    return answers.Replayed(path=path, dry_run=dry_run, events=tuple(said))


def _reasoned(clients: Clients, row: answers.LetterRow) -> answers.LetterRow:
    """A stored letter is read for its reason, and told without one where it goes meanwhile."""
    if row.reason:
        return row
    raw = clients.hub.read(clients.configuration.hub.dead_letters, row.path)
    return replace(row, reason="" if raw is None else _reason(_content(raw)))


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
