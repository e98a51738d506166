"""The queue of Azure DevOps' service hooks, which may come by it instead of by the web hook: both do the same."""

import azure.functions as func

from shared.clients import Clients
from shared.durable import Client
from triggers import answers_of_work as answers
from triggers.bodies import BODY_LIMIT, parsed
from triggers.devops_doors import heed_hook
from triggers.hub_messages import delivered

HOOK = "AzureDevOps.Hook"


async def receive_hook(client: Client, clients: Clients, message: func.ServiceBusMessage) -> answers.HintTaken:
    """Take the hint. Raises ValueError where the message is no JSON: the queue's dead letters keep it."""
    with delivered(HOOK, clients, message):
        return await heed_hook(client, parsed(message.get_body(), BODY_LIMIT))
