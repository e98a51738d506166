"""The queue of Azure DevOps' service hooks, which may come by it instead of by the web hook: both do the same.

It stands alone as every queue has a module.
"""

import azure.functions as func

from shared.clients import Clients
from shared.durable.starting import Client
from triggers.http.devops import handle_hook
from triggers.http.exchange.bodies import BODY_LIMIT, parse_json
from triggers.queues.hub_messages import handling

HOOK = "AzureDevOps.Hook"


async def receive_hook(client: Client, clients: Clients, message: func.ServiceBusMessage) -> str:
    """Take the hint; returns a sentence. Raises ValueError where it is no JSON: the queue keeps it as dead."""
    with handling(HOOK, clients, message):
        hint = await handle_hook(client, clients, parse_json(message.get_body(), BODY_LIMIT))
    return f"hint {hint.hint} is {hint.accepted}" if hint.heeded else f"ignored: {hint.because}"
