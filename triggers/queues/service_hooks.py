"""The queue of Azure DevOps' service hooks, which may come by it instead of by the web hook: both do the same."""

import azure.functions as func

from shared.clients import Clients
from shared.durable.starting import Client
from triggers.http.bodies import BODY_LIMIT, parsed
from triggers.http.devops.doors import heed_hook
from triggers.queues.hub_messages import delivered

HOOK = "AzureDevOps.Hook"


async def receive_hook(client: Client, clients: Clients, message: func.ServiceBusMessage) -> str:
    """Take the hint; says what was done. Raises ValueError where it is no JSON: the queue keeps it as dead."""
    with delivered(HOOK, clients, message):
        taken = await heed_hook(client, clients, parsed(message.get_body(), BODY_LIMIT))
    return f"hint {taken.hint} is {taken.accepted}" if taken.heeded else f"ignored: {taken.because}"
