"""Event Grid's events by a queue, for an app that Event Grid cannot call: taken in as by the web hook, by the same ids.

Event Grid delivers to no queue that requires sessions, so they have one of their own; the event of a file that somebody
put into the hub's queue of messages is taken as what it is all the same. An event that cannot be read is stored and
settled, as the web hook's is; a message that is no JSON is poison.
"""

from typing import Any

import azure.functions as func

from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.durable.starting import Client
from triggers.events.event_grid import receive
from triggers.events.intake import dead_letter
from triggers.http.bodies import BODY_LIMIT, parsed
from triggers.queues.hub_messages import PoisonMessage, aged

EVENT = "EventGrid.Event"


async def receive_events(client: Client, clients: Clients, message: func.ServiceBusMessage) -> tuple[str, ...]:
    """Take in the event, or each of an array. Raises PoisonMessage, and Transient: deliver again."""
    aged(EVENT, clients, message)
    try:
        events = events_in(parsed(message.get_body(), BODY_LIMIT))
    except ValueError as error:
        raw = {
            "type": EVENT,
            "id": message.message_id or "",
            "data": message.get_body()[:2048].decode(errors="replace"),
        }
        stored = await dead_letter(clients, without_secrets(raw), str(error))
        raise PoisonMessage(f"stored as {stored}: {error}") from error
    return tuple([said for event in events for said in await receive(client, clients, event)])


def events_in(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]
