"""The functions of the Service Bus queues. A queue has a function if its name and the connection are both set.

A trigger cannot bind to a connection that is missing, so an app without Service Bus has no such functions. A change of
a setting restarts the app, which then registers the function. The modules of the messages hold the bodies.
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
    """The functions of all queues that are set.

    Each body is imported at its first message. Registration happens at every cold start, which has a budget
    (docs/benchmarks.md), and most starts serve HTTP and see no message.
    """
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
    """Bind the messages queue, which requires sessions: they keep the order of messages with one key."""

    @blueprint.service_bus_queue_trigger(
        arg_name="message", queue_name=f"%{MESSAGES_QUEUE}%", connection=SERVICE_BUS, is_sessions_enabled=True
    )
    @blueprint.durable_client_input(client_name="client")
    async def receive_hub_message(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.hub_messages import receive_message

        await receive_message(client, clients(), message)


def _add_records(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    """Bind the records queue with one message for each call.

    A batch is settled as a whole. One poison message in it would make the broker redeliver the good ones, until all of
    them reach the delivery count and become dead letters.
    """

    @blueprint.service_bus_queue_trigger(
        arg_name="message", queue_name=f"%{RECORDS_QUEUE}%", connection=SERVICE_BUS, is_sessions_enabled=True
    )
    @blueprint.durable_client_input(client_name="client")
    async def receive_hub_records(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.stream_records import receive_records

        await receive_records(client, clients(), message)


def _add_decisions(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    @blueprint.service_bus_queue_trigger(arg_name="message", queue_name=f"%{APPROVALS_QUEUE}%", connection=SERVICE_BUS)
    @blueprint.durable_client_input(client_name="client")
    async def receive_sent_decision(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.decisions import receive_decision

        await receive_decision(client, clients(), message)


def _add_hooks(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    @blueprint.service_bus_queue_trigger(arg_name="message", queue_name=f"%{HOOKS_QUEUE}%", connection=SERVICE_BUS)
    @blueprint.durable_client_input(client_name="client")
    async def receive_devops_hook(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.service_hooks import receive_hook

        await receive_hook(client, clients(), message)


def _add_events(blueprint: Blueprint, clients: Callable[[], Clients]) -> None:
    """Bind the events queue without sessions, because Event Grid cannot deliver to a queue that requires them."""

    @blueprint.service_bus_queue_trigger(arg_name="message", queue_name=f"%{EVENTS_QUEUE}%", connection=SERVICE_BUS)
    @blueprint.durable_client_input(client_name="client")
    async def receive_queued_event(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        from triggers.queues.events import receive_events

        await receive_events(client, clients(), message)
