"""Take in anything that is delivered or replayed, from whichever source: an event, or a message as it was stored.

It stands alone, since receivers of events and of messages must not import each other in a circle.
"""

from typing import Any

from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.durable.starting import Client
from triggers.events.receiver import receive_event
from triggers.queues.hub_messages import PoisonMessage, take_message
from triggers.queues.message_files import MESSAGE_DEFAULTS, is_message
from triggers.queues.stream_records import is_records, take_records


async def dispatch(client: Client, clients: Clients, raw: Any) -> tuple[str, ...]:
    """Take in *raw*, without its secrets; returns a sentence for each decision. Raises Transient: deliver again."""
    try:
        if is_records(raw):
            return (await take_records(client, clients, MESSAGE_DEFAULTS | without_secrets(raw)),)
        if is_message(raw):
            return await take_message(client, clients, MESSAGE_DEFAULTS | without_secrets(raw))
    except PoisonMessage as error:
        return (str(error),)
    return await receive_event(client, clients, raw)
