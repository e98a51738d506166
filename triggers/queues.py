"""The doors on Service Bus. A door is there where its queue and the connection are set, and nowhere else.

A trigger cannot bind to a connection that is missing: an app without Service Bus has no such functions and starts as
ever. Setting a queue restarts the app, which then finds its function.
"""

from collections.abc import Callable

import azure.functions as func

from shared.clients import Clients
from shared.durable import Blueprint
from shared.settings import MESSAGES_QUEUE, SERVICE_BUS, has_queue


def queue_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    blueprint = Blueprint()
    if has_queue(MESSAGES_QUEUE):
        _add_messages(blueprint, clients)
    return blueprint


def _add_messages(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    """Sessions keep the order of each key."""

    @blueprint.service_bus_queue_trigger(
        arg_name="message", queue_name=f"%{MESSAGES_QUEUE}%", connection=SERVICE_BUS, is_sessions_enabled=True
    )
    @blueprint.durable_client_input(client_name="client")
    async def receive_hub_message(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.hub_messages import receive_message  # Not before the first message: cold start is a budget.

        await receive_message(client, clients(), message)
