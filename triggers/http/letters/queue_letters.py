"""What the app's queues gave up by themselves (delivered too often, too old), among the other dead letters.

A replay hands a message to the receiver of its queue as if it had just come, and then takes it out of the queue's dead
letters: a second replay, after a crash in between too, starts the same by the same ids. What is refused again stays.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import azure.functions as func
from azure.functions.servicebus import ServiceBusMessage

from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.domain.messaging import DeadMessage, QueueDoor
from shared.domain.teams.ownership import PLATFORM, Scope
from shared.durable.starting import Client
from shared.operations.dead_messages import list_dead_messages
from triggers.events import dry_run
from triggers.events.envelopes import is_storage_event
from triggers.events.owners import owner_of_events, owner_of_message
from triggers.events.service_hooks import read_hint
from triggers.http.exchange.problems import Problem
from triggers.http.letters.types import HIDDEN_RECORDS, LetterRow, LetterShown, Replayed
from triggers.queues import decisions, hub_messages, service_hooks, stream_records
from triggers.queues import events as event_messages
from triggers.queues.queue_messages import RECORDS, PoisonMessage, QueueMessage, content_of, queue_message

_PATH = re.compile(rf"service-bus/({'|'.join(QueueDoor)})/([0-9]{{1,19}})")
_HIDDEN = "not shown, since a token may be in it"


@dataclass(frozen=True, slots=True)
class _Receiver:
    """*receive* takes a message as the trigger does; *foresee* says what that would do."""

    receive: Callable[[Client, Clients, func.ServiceBusMessage], Awaitable[Any]]
    foresee: Callable[[Clients, func.ServiceBusMessage], Iterator[str]]


def is_queue_letter(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


def rows(clients: Clients, scope: Scope) -> tuple[list[LetterRow], tuple[str, ...]]:
    """The letters of every queue that are inside *scope*, and the queues that could not be read."""
    letters, unseen = list_dead_messages(clients.queues)
    return [_row(dead) for dead in letters if scope.whole or scope.covers(owner_of_dead(clients, dead))], unseen


async def owner(clients: Clients, path: str) -> str | None:
    """The team that the letter at *path* is about; None where it is not there."""
    dead = await asyncio.to_thread(_find_at, clients, path)
    return None if dead is None else owner_of_dead(clients, dead)


def owner_of_dead(clients: Clients, dead: DeadMessage) -> str:
    """The team that the message is about; PLATFORM where it concerns all, or cannot be read."""
    content, problem = content_of(_message(dead))
    if problem or dead.door in (QueueDoor.APPROVALS, QueueDoor.HOOKS):
        return PLATFORM
    if dead.door is QueueDoor.EVENTS:
        return owner_of_events(clients, event_messages.events_in(content))
    return owner_of_message(clients, content)


async def show(clients: Clients, path: str, records: bool) -> LetterShown:
    """The letter at *path*, with what it brings of a stream only where *records* says so."""
    dead = await asyncio.to_thread(_find, clients, path)
    row, message = _row(dead), _message(dead)
    would = await asyncio.to_thread(lambda: tuple(_RECEIVERS[dead.door].foresee(clients, message)))
    return LetterShown(
        path=path, stored=row.stored, reason=row.reason, events=(_describe(dead, records),), would=(would,)
    )


async def replay(client: Client, clients: Clients, path: str, dry_run: bool) -> Replayed:
    dead = await asyncio.to_thread(_find, clients, path)
    message = _message(dead)
    if dry_run:
        results = await asyncio.to_thread(lambda: tuple(_RECEIVERS[dead.door].foresee(clients, message)))
    else:
        results = await _take(client, clients, dead, message)
    return Replayed(path=path, dry_run=dry_run, events=(results,))


async def _take(
    client: Client, clients: Clients, dead: DeadMessage, message: func.ServiceBusMessage
) -> tuple[str, ...]:
    """Handle the message first and remove it from the queue afterwards, so that a crash in between loses nothing."""
    try:
        result = await _RECEIVERS[dead.door].receive(client, clients, message)
    except (PoisonMessage, ValueError) as error:
        return (f"stays in the queue's dead letters: {error}",)
    await asyncio.to_thread(clients.queues.take_out, dead.door, dead.number)
    return result if isinstance(result, tuple) else (str(result),)


def _find(clients: Clients, path: str) -> DeadMessage:
    dead = _find_at(clients, path)
    if dead is None:
        raise Problem(404, "no such letter", f"{path} is not there; list the letters first")
    return dead


def _find_at(clients: Clients, path: str) -> DeadMessage | None:
    match = _PATH.fullmatch(path)
    door = QueueDoor(match[1]) if match else None
    return clients.queues.find_dead(door, int(match[2])) if match and door in clients.queues.doors else None


def _row(dead: DeadMessage) -> LetterRow:
    cause = ": ".join(filter(None, (dead.reason, dead.description))) or "its sender or receiver gave no reason"
    stored_at = dead.enqueued_at.isoformat() if dead.enqueued_at else ""
    reason = str(without_secrets(f"queue of {dead.door.value}: {cause}"))[:500]
    return LetterRow(path=f"service-bus/{dead.door.value}/{dead.number}", stored=stored_at, reason=reason)


def _describe(dead: DeadMessage, records: bool) -> dict[str, Any]:
    content, problem = content_of(_message(dead))
    if dead.door is QueueDoor.RECORDS and not records:
        content = HIDDEN_RECORDS
    token_possible = dead.door is QueueDoor.APPROVALS and (problem or not isinstance(content, dict))
    names = {"id": dead.id, "session": dead.session, "correlation": dead.correlation}
    content_shown = {**names, "deliveries": dead.deliveries, "data": _HIDDEN if token_possible else content}
    return dict(without_secrets(content_shown))


def _message(dead: DeadMessage) -> func.ServiceBusMessage:
    """The message as the trigger would hand it on, without its time: the time in dead letters is no lag of the app."""
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


def _foresee_message(
    read: Callable[[func.ServiceBusMessage], tuple[QueueMessage, str]],
) -> Callable[[Clients, func.ServiceBusMessage], Iterator[str]]:
    def foresee(clients: Clients, delivery: func.ServiceBusMessage) -> Iterator[str]:
        message, problem = read(delivery)
        event = message.data if is_storage_event(message.data) else message.letter
        yield from [f"would be stored again: {problem}"] if problem else dry_run.foresee(clients, event)

    return foresee


def _foresee_decision(clients: Clients, message: func.ServiceBusMessage) -> Iterator[str]:
    del clients, message
    yield "would be judged as if it came now; one whose token has expired is refused, and settled"


def _foresee_hook(clients: Clients, message: func.ServiceBusMessage) -> Iterator[str]:
    del clients
    content, problem = content_of(message)
    hint = read_hint(content)
    if problem or isinstance(hint, str):
        yield f"would stay there: {problem}" if problem else f"would be ignored: {hint}"
    else:
        yield f"would look at {hint.kind.value} {hint.id} in Azure DevOps"


def _foresee_events(clients: Clients, message: func.ServiceBusMessage) -> Iterator[str]:
    content, problem = content_of(message)
    for event in () if problem else event_messages.events_in(content):
        yield from dry_run.foresee(clients, event)
    if problem:
        yield f"would be stored again: {problem}"


_RECEIVERS = {
    QueueDoor.MESSAGES: _Receiver(hub_messages.receive_message, _foresee_message(hub_messages.hub_message)),
    QueueDoor.RECORDS: _Receiver(
        stream_records.receive_records, _foresee_message(partial(queue_message, kind=RECORDS))
    ),
    QueueDoor.APPROVALS: _Receiver(decisions.receive_decision, _foresee_decision),
    QueueDoor.HOOKS: _Receiver(service_hooks.receive_hook, _foresee_hook),
    QueueDoor.EVENTS: _Receiver(event_messages.receive_events, _foresee_events),
}
