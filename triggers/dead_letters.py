"""Events that could not be taken in: list them with their reasons, see what a replay would do, and replay them.

Both kinds lie in one container: those that Signalbox could not read, and those that Event Grid could not deliver.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from shared.clients import Clients
from shared.domain.events import AlertChanged, BlobArrived, Irrelevant, MonitorBreached, UnreadableEvent
from shared.durable import Client
from shared.ports import Blob
from shared.routing import Decision, Ignore, OpenWindow, StartRun, WatchTrainingData, route
from triggers import answers
from triggers.envelopes import read_event
from triggers.hub_events import receive
from triggers.hub_records import is_records, would_keep
from triggers.messages import arrivals, is_message
from triggers.pages import page
from triggers.problems import Problem
from triggers.requests import Page


async def list_letters(clients: Clients, wanted: Page) -> answers.LetterPage:
    """The newest first: where each lies, and why it is there."""
    container = clients.configuration.hub.dead_letters
    blobs = await asyncio.to_thread(lambda: list(clients.hub.list(container, "")))
    given, following = page(blobs, lambda blob: (blob.modified.isoformat(), blob.path), wanted.limit, wanted.cursor)
    letters = await asyncio.to_thread(lambda: tuple(_row(clients, blob) for blob in given))
    return answers.LetterPage(total=len(blobs), letters=letters, next=following)


async def show(clients: Clients, path: str) -> answers.LetterShown:
    """One letter with its events, and what a replay would do."""
    content = await asyncio.to_thread(_read, clients, path)
    blob = await asyncio.to_thread(clients.hub.find, clients.configuration.hub.dead_letters, path)
    events = tuple(_events(content))
    return answers.LetterShown(
        path=path,
        stored=blob.modified.isoformat() if blob else "",
        reason=_reason(content),
        events=events,
        would=tuple(tuple(_would(clients, event)) for event in events),
    )


async def replay(client: Client, clients: Clients, path: str, dry_run: bool) -> answers.Replayed:
    """Take the letter's events in again; a dry run only says what would happen."""
    content = await asyncio.to_thread(_read, clients, path)
    if dry_run:
        said = [tuple(_would(clients, event)) for event in _events(content)]
    else:
        said = [await receive(client, clients, event) for event in _events(content)]
    return answers.Replayed(path=path, dry_run=dry_run, events=tuple(said))


def _row(clients: Clients, blob: Blob) -> answers.LetterRow:
    """A letter that goes meanwhile is told without its reason."""
    raw = clients.hub.read(blob.container, blob.path)
    reason = "" if raw is None else _reason(_content(raw))
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


def _would(clients: Clients, raw: Any) -> Iterator[str]:
    """What taking the event in would do now."""
    if is_message(raw):
        yield from _would_start(clients, raw)
        return
    if is_records(raw):
        yield _would_keep(clients, raw)
        return
    try:
        event = read_event(raw, clients.configuration.hub.account)
    except UnreadableEvent as error:
        yield f"would be stored again: {error}"
        return
    match event:
        case Irrelevant(reason=reason):
            yield f"would be ignored: {reason}"
        case BlobArrived():
            yield from map(_told, route(event, clients.configuration))
        case MonitorBreached() | AlertChanged():
            yield "would become a cause of retraining, if a model names its source"
        case _:
            yield "would start the promotion of the model, if it carries a flag"


def _would_start(clients: Clients, raw: dict[str, Any]) -> Iterator[str]:
    try:
        events = arrivals(clients, raw)
    except UnreadableEvent as error:
        yield f"would be stored again: {error}"
        return
    for event in events:
        yield from map(_told, route(event, clients.configuration))


def _would_keep(clients: Clients, raw: dict[str, Any]) -> str:
    try:
        stream, sent = would_keep(clients, raw)
    except UnreadableEvent as error:
        return f"would be stored again: {error}"
    return f"would add {len(sent.records)} records to stream {stream.name}, unless a batch has them"


def _told(decision: Decision) -> str:
    match decision:
        case StartRun(route=taken):
            return f"would start a run of route {taken.name}, unless it has run"
        case OpenWindow(route=taken):
            return f"would open or join a window of route {taken.name}"
        case WatchTrainingData(model=model):
            return f"would look at the training data of {model}"
        case Ignore(reason=reason):
            return f"would be ignored: {reason}"
