"""Take in anything that is delivered or replayed, from whichever source: an event, or a message as it was stored.

It stands alone, since receivers of events and of messages must not import each other in a circle.
"""

from typing import Any

from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.durable.starting import Client
from triggers.events.receiver import receive_event
from triggers.queues.hub_messages import take_message
from triggers.queues.queue_messages import RECORDS, PoisonMessage, kept_message
from triggers.queues.stream_records import take_records


async def dispatch(client: Client, clients: Clients, raw: Any) -> tuple[str, ...]:
    """Take in *raw*, without its secrets; returns a sentence for each decision. Raises Transient: deliver again."""
    message = kept_message(without_secrets(raw))
    if message is None:
        return await receive_event(client, clients, raw)
    try:
        if message.kind == RECORDS:
            return (await take_records(client, clients, message),)
        return await take_message(client, clients, message)
    except PoisonMessage as error:
        return (str(error),)
