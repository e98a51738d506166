"""The queues of Service Bus. A queue has a function where it and the connection are set, and nowhere else.

A trigger cannot bind to a connection that is missing: an app without Service Bus has no such functions and starts as
ever. Setting a queue restarts the app, which then finds its function.
"""

from collections.abc import Callable

import azure.functions as func

from shared.clients import Clients
from shared.durable.registration import Blueprint
from shared.settings import (
    APPROVALS_QUEUE,
    EVENTS_QUEUE,
    HOOKS_QUEUE,
    MESSAGES_QUEUE,
    RECORDS_QUEUE,
    SERVICE_BUS,
    has_queue,
)


def queue_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    blueprint = Blueprint()
    if has_queue(MESSAGES_QUEUE):
        _add_messages(blueprint, clients)
    if has_queue(RECORDS_QUEUE):
        _add_records(blueprint, clients)
    if has_queue(APPROVALS_QUEUE):
        _add_decisions(blueprint, clients)
    if has_queue(HOOKS_QUEUE):
        _add_hooks(blueprint, clients)
    if has_queue(EVENTS_QUEUE):
        _add_events(blueprint, clients)
    return blueprint


def _add_messages(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    """Sessions keep the order of each key."""

    @blueprint.service_bus_queue_trigger(
        arg_name="message", queue_name=f"%{MESSAGES_QUEUE}%", connection=SERVICE_BUS, is_sessions_enabled=True
    )
    @blueprint.durable_client_input(client_name="client")
    async def receive_hub_message(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.hub_messages import (
            receive_message,  # Not before the first message: cold start is a budget.
        )

        await receive_message(client, clients(), message)


def _add_records(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    """One message a call: in a batch of them a poisoned one would have the others delivered until they die with it."""

    @blueprint.service_bus_queue_trigger(
        arg_name="message", queue_name=f"%{RECORDS_QUEUE}%", connection=SERVICE_BUS, is_sessions_enabled=True
    )
    @blueprint.durable_client_input(client_name="client")
    async def receive_hub_records(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.stream_records import (
            receive_records,  # Not before the first message: cold start is a budget.
        )

        await receive_records(client, clients(), message)


def _add_decisions(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    @blueprint.service_bus_queue_trigger(arg_name="message", queue_name=f"%{APPROVALS_QUEUE}%", connection=SERVICE_BUS)
    @blueprint.durable_client_input(client_name="client")
    async def receive_sent_decision(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.decisions import receive_decision  # Not before the first message: cold start is a budget.

        await receive_decision(client, clients(), message)


def _add_hooks(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    @blueprint.service_bus_queue_trigger(arg_name="message", queue_name=f"%{HOOKS_QUEUE}%", connection=SERVICE_BUS)
    @blueprint.durable_client_input(client_name="client")
    async def receive_devops_hook(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.service_hooks import receive_hook  # Not before the first message: cold start is a budget.

        await receive_hook(client, clients(), message)


def _add_events(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    """Event Grid delivers to no queue that requires sessions."""

    @blueprint.service_bus_queue_trigger(arg_name="message", queue_name=f"%{EVENTS_QUEUE}%", connection=SERVICE_BUS)
    @blueprint.durable_client_input(client_name="client")
    async def receive_queued_event(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.events import receive_events  # Not before the first message: cold start is a budget.

        await receive_events(client, clients(), message)
