"""The Data Hub's queue: messages that name files start what the files' own events would start, by the same ids.

The host settles a message after this returns, hence once every start is durable, and abandons it on any exception. A
Python function cannot dead-letter with words of its own: poison is stored with its reason, then raised until the
queue's delivery limit takes it to the dead-letter queue, under the message id that the stored letter has too.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import azure.functions as func

from shared.application.events.dead_letters import store_letter
from shared.application.events.intake import take_in
from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.domain.events import EventOrigin, UnreadableEvent
from shared.durable.starting import Client
from shared.telemetry.instruments import record_duration
from shared.telemetry.spans import receiving
from triggers.events.envelopes import is_storage_event
from triggers.events.receiver import receive_event
from triggers.http.bodies import parse_json
from triggers.queues.data_checks import is_check, take_check
from triggers.queues.message_files import MESSAGE, arrivals, envelope

MESSAGE_LIMIT = 64 * 1024
_KEPT = 2048  # Of a body that cannot be read.

_log = logging.getLogger(__name__)


class PoisonMessage(Exception):
    """A message that can never be taken: it is stored with this reason, and must not be settled as done."""


async def receive_message(client: Client, clients: Clients, message: func.ServiceBusMessage) -> tuple[str, ...]:
    """Take in one message of the queue; returns a sentence for each decision. Raises PoisonMessage, and Transient."""
    raw, problem = raw_of(message)
    # No other event: the right to ask for inference is no right to cause anything else.
    if is_storage_event(raw["data"]):
        record_age(MESSAGE, clients, message)
        return await receive_event(client, clients, raw["data"])
    with handling(MESSAGE, clients, message, str(raw["id"])):
        results = await take_message(client, clients, raw, problem)
    _log.info("message %s, delivery %s: %s", raw["id"], message.delivery_count, "; ".join(results))
    return results


def raw_of(message: func.ServiceBusMessage) -> tuple[dict[str, Any], str]:
    """The message as it is kept, and what is wrong with its body."""
    data, problem = content_of(message)
    names = (message.message_id or "", message.session_id or "", message.correlation_id or "")
    return dict(without_secrets(envelope(*names, data))), problem


@contextmanager
def handling(source: str, clients: Clients, message: func.ServiceBusMessage, event: str = "") -> Iterator[None]:
    """*message* was received from its queue, and is as late as it lay there."""
    since = record_age(source, clients, message)
    with receiving(source, clients.clock.now(), since=since, event=event):
        yield


def record_age(source: str, clients: Clients, message: func.ServiceBusMessage) -> datetime | None:
    """When *message* was put into its queue; how long ago that was is the queue's age, as *source* sees it."""
    since = message.enqueued_time_utc
    if since is None or since.tzinfo is None:
        return None
    record_duration("signalbox.queue.age", (clients.clock.now() - since).total_seconds(), {"source": source})
    return since


def content_of(message: func.ServiceBusMessage) -> tuple[Any, str]:
    """The JSON in the message and an empty text; or the start of its body, and what is wrong with it."""
    body = message.get_body()
    try:
        return parse_json(body, MESSAGE_LIMIT), ""
    except ValueError as error:
        return body[:_KEPT].decode(errors="replace"), str(error)


async def take_message(client: Client, clients: Clients, raw: dict[str, Any], problem: str = "") -> tuple[str, ...]:
    """Start everything that *raw* names, or nothing: *problem* is one that was found before."""
    try:
        if problem:
            raise UnreadableEvent(problem)
        if is_check(raw):
            return (await take_check(client, clients, raw),)
        events = await asyncio.to_thread(arrivals, clients, raw)
    except UnreadableEvent as error:
        location = await asyncio.to_thread(store_letter, clients, raw, str(error))
        # Raising after the letter is stored makes the host abandon the message until the broker gives it up. Settling
        # it would hide it from those who watch the queue, and a Python function cannot dead-letter it with a reason.
        raise PoisonMessage(f"stored as {location}: {error}") from error
    origin = EventOrigin(source="the hub's queue", type=MESSAGE)
    return tuple([result for event in events for result in await take_in(client, clients, event, origin)])
