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

import azure.functions as func

from shared.application.events.dead_letters import store_letter
from shared.application.events.intake import take_in
from shared.clients import Clients
from shared.domain.events import EventOrigin, UnreadableEvent
from shared.durable.starting import Client
from shared.telemetry.instruments import record_duration
from shared.telemetry.spans import receiving
from triggers.events.envelopes import is_storage_event
from triggers.events.receiver import receive_event
from triggers.queues.data_checks import is_check, take_check
from triggers.queues.message_files import arrivals
from triggers.queues.queue_messages import MESSAGE, PoisonMessage, QueueMessage, queue_message

_log = logging.getLogger(__name__)


async def receive_message(client: Client, clients: Clients, delivery: func.ServiceBusMessage) -> tuple[str, ...]:
    """Take in one message of the queue; returns a sentence for each decision. Raises PoisonMessage, and Transient."""
    message, problem = hub_message(delivery)
    # No other event: the right to ask for inference is no right to cause anything else.
    if is_storage_event(message.data):
        record_age(MESSAGE, clients, delivery)
        return await receive_event(client, clients, message.data)
    with handling(MESSAGE, clients, delivery, message.id):
        results = await take_message(client, clients, message, problem)
    _log.info("message %s, delivery %s: %s", message.id, delivery.delivery_count, "; ".join(results))
    return results


def hub_message(delivery: func.ServiceBusMessage) -> tuple[QueueMessage, str]:
    """The message without its secrets, and what is wrong with its body."""
    message, problem = queue_message(delivery, MESSAGE)
    return message.without_secrets(), problem


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


async def take_message(client: Client, clients: Clients, message: QueueMessage, problem: str = "") -> tuple[str, ...]:
    """Start everything that *message* names, or nothing: *problem* is one that was found before."""
    try:
        if problem:
            raise UnreadableEvent(problem)
        if is_check(message):
            return (await take_check(client, clients, message),)
        events = await asyncio.to_thread(arrivals, clients, message)
    except UnreadableEvent as error:
        location = await asyncio.to_thread(store_letter, clients, message.letter, str(error))
        # Raising after the letter is stored makes the host abandon the message until the broker gives it up. Settling
        # it would hide it from those who watch the queue, and a Python function cannot dead-letter it with a reason.
        raise PoisonMessage(f"stored as {location}: {error}") from error
    origin = EventOrigin(source="the hub's queue", type=MESSAGE)
    return tuple([result for event in events for result in await take_in(client, clients, event, origin)])
