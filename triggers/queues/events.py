"""Event Grid's events by a queue, for an app that Event Grid cannot call: by the same ids as by its subscription.

Event Grid delivers to no queue that requires sessions, so this queue has none; a file's event that somebody puts into
the hub's queue of messages is taken in all the same. An event that cannot be read is stored and settled, as the
subscription's is; a message that is no JSON is poison.
"""

import asyncio
from typing import Any

import azure.functions as func

from shared.application.events.dead_letters import store_letter
from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.durable.starting import Client
from triggers.events.dispatch import dispatch
from triggers.http.exchange.bodies import BODY_LIMIT, parse_json
from triggers.queues.hub_messages import record_age
from triggers.queues.queue_messages import PoisonMessage

EVENT = "EventGrid.Event"


async def receive_events(client: Client, clients: Clients, message: func.ServiceBusMessage) -> tuple[str, ...]:
    """Take in the event, or each of an array. Raises PoisonMessage, and Transient: deliver again."""
    record_age(EVENT, clients, message)
    try:
        events = events_in(parse_json(message.get_body(), BODY_LIMIT))
    except ValueError as error:
        raw = {
            "type": EVENT,
            "id": message.message_id or "",
            "data": message.get_body()[:2048].decode(errors="replace"),
        }
        location = await asyncio.to_thread(store_letter, clients, without_secrets(raw), str(error))
        raise PoisonMessage(f"stored as {location}: {error}") from error
    return tuple([result for event in events for result in await dispatch(client, clients, event)])


def events_in(content: Any) -> list[Any]:
    """The events in a message, which has one or an array of them."""
    return content if isinstance(content, list) else [content]
