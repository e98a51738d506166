"""What the app's queues gave up by themselves (delivered too often, too old), among the other dead letters.

A replay hands a message to its own door as if it had just come, and takes it out of the queue's dead letters once the
door has taken it: who replays twice, or dies in between, starts the same by the same ids. What cannot be taken stays.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.servicebus import ServiceBusMessage

from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.domain.devops.hooks import read_hint
from shared.domain.messaging import DeadMessage, QueueDoor
from shared.durable.starting import Client
from shared.operations.dead_messages import list_dead_messages
from triggers.events.dry_run import foreseen
from triggers.events.envelopes import is_storage_event
from triggers.http.problems import Problem
from triggers.http.responses import work as answers
from triggers.queues import decisions as sent_decisions
from triggers.queues import events as sent_events
from triggers.queues import hub_messages
from triggers.queues import service_hooks as sent_hooks
from triggers.queues import stream_records as hub_records

_PATH = re.compile(rf"service-bus/({'|'.join(QueueDoor)})/([0-9]{{1,19}})")
_HIDDEN = "not shown, since a token may be in it"


@dataclass(frozen=True, slots=True)
class _Door:
    """*take* receives a message as the trigger does; *would* says what that would do."""

    take: Callable[[Client, Clients, func.ServiceBusMessage], Awaitable[Any]]
    would: Callable[[Clients, func.ServiceBusMessage], Iterator[str]]


def is_queue_letter(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


def rows(clients: Clients) -> tuple[list[answers.LetterRow], tuple[str, ...]]:
    """Those of every queue, and what could not be looked at."""
    found, unseen = list_dead_messages(clients.queues)
    return [_row(dead) for dead in found], unseen


async def show(clients: Clients, path: str) -> answers.LetterShown:
    dead = await asyncio.to_thread(_find, clients, path)
    row, message = _row(dead), _message(dead)
    would = await asyncio.to_thread(lambda: tuple(_DOORS[dead.door].would(clients, message)))
    return answers.LetterShown(path=path, stored=row.stored, reason=row.reason, events=(_shown(dead),), would=(would,))


async def replay(client: Client, clients: Clients, path: str, dry_run: bool) -> answers.Replayed:
    dead = await asyncio.to_thread(_find, clients, path)
    door, message = _DOORS[dead.door], _message(dead)
    if dry_run:
        said = await asyncio.to_thread(lambda: tuple(door.would(clients, message)))
    else:
        said = await _take(client, clients, dead, message)
    return answers.Replayed(path=path, dry_run=dry_run, events=(said,))


async def _take(
    client: Client, clients: Clients, dead: DeadMessage, message: func.ServiceBusMessage
) -> tuple[str, ...]:
    """Taken first and out of the queue afterwards: nothing is lost in between."""
    try:
        said = await _DOORS[dead.door].take(client, clients, message)
    except (hub_messages.PoisonMessage, ValueError) as error:
        return (f"stays in the queue's dead letters: {error}",)
    await asyncio.to_thread(clients.queues.take_out, dead.door, dead.number)
    return said if isinstance(said, tuple) else (str(said),)


def _find(clients: Clients, path: str) -> DeadMessage:
    named = _PATH.fullmatch(path)
    door = QueueDoor(named[1]) if named else None
    dead = clients.queues.find_dead(door, int(named[2])) if named and door in clients.queues.doors else None
    if dead is None:
        raise Problem(404, "no such letter", f"{path} is not there; list the letters first")
    return dead


def _row(dead: DeadMessage) -> answers.LetterRow:
    said = ": ".join(filter(None, (dead.reason, dead.description))) or "its sender or receiver gave no reason"
    stored = dead.enqueued.isoformat() if dead.enqueued else ""
    reason = str(without_secrets(f"queue of {dead.door.value}: {said}"))[:500]
    return answers.LetterRow(path=f"service-bus/{dead.door.value}/{dead.number}", stored=stored, reason=reason)


def _shown(dead: DeadMessage) -> dict[str, Any]:
    content, problem = hub_messages.content_of(_message(dead))
    hidden = dead.door is QueueDoor.APPROVALS and (problem or not isinstance(content, dict))
    names = {"id": dead.id, "session": dead.session, "correlation": dead.correlation}
    shown = {**names, "deliveries": dead.deliveries, "data": _HIDDEN if hidden else content}
    return dict(without_secrets(shown))


def _message(dead: DeadMessage) -> func.ServiceBusMessage:
    """As the trigger would hand it on; without the time at which it came, since it did not lie unseen since then."""
    return ServiceBusMessage(
        body=dead.body,
        message_id=dead.id,
        session_id=dead.session,
        correlation_id=dead.correlation,
        sequence_number=dead.number,
        delivery_count=dead.deliveries,
        application_properties={},
        user_properties={},
    )


def _would_take(raw_of: Callable[[func.ServiceBusMessage], tuple[dict[str, Any], str]]) -> Any:
    def would(clients: Clients, message: func.ServiceBusMessage) -> Iterator[str]:
        raw, problem = raw_of(message)
        event = raw["data"] if is_storage_event(raw["data"]) else raw
        yield from [f"would be stored again: {problem}"] if problem else foreseen(clients, event)

    return would


def _would_decide(clients: Clients, message: func.ServiceBusMessage) -> Iterator[str]:
    del clients, message
    yield "would be judged as if it came now; one whose token has expired is refused, and settled"


def _would_heed(clients: Clients, message: func.ServiceBusMessage) -> Iterator[str]:
    del clients
    content, problem = hub_messages.content_of(message)
    hint = read_hint(content)
    if problem or isinstance(hint, str):
        yield f"would stay there: {problem}" if problem else f"would be ignored: {hint}"
    else:
        yield f"would look at {hint.kind.value} {hint.id} in Azure DevOps"


def _would_receive(clients: Clients, message: func.ServiceBusMessage) -> Iterator[str]:
    content, problem = hub_messages.content_of(message)
    for event in () if problem else sent_events.events_in(content):
        yield from foreseen(clients, event)
    if problem:
        yield f"would be stored again: {problem}"


_DOORS = {
    QueueDoor.MESSAGES: _Door(hub_messages.receive_message, _would_take(hub_messages.raw_of)),
    QueueDoor.RECORDS: _Door(hub_records.receive_records, _would_take(hub_records.raw_of)),
    QueueDoor.APPROVALS: _Door(sent_decisions.receive_decision, _would_decide),
    QueueDoor.HOOKS: _Door(sent_hooks.receive_hook, _would_heed),
    QueueDoor.EVENTS: _Door(sent_events.receive_events, _would_receive),
}
