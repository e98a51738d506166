"""The functions of the Service Bus queues. A queue has a function if its name and the connection are both set.

A trigger cannot bind to a connection that is missing, so an app without Service Bus has no such functions. A change of
a setting restarts the app, which then registers the function. The modules of the messages hold the bodies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import azure.functions as func

from shared.clients import Clients
from shared.durable.deferred import Deferred, load
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

if TYPE_CHECKING:
    import triggers.queues.decisions
    import triggers.queues.events
    import triggers.queues.hub_messages
    import triggers.queues.service_hooks
    import triggers.queues.stream_records

    queues = triggers.queues
else:
    queues = Deferred("triggers.queues")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFunction:
    """The function *name* takes single messages from the queue that *setting* names, and hands them to *receive*.

    A batch would be settled as a whole: one poison message in it would make the broker redeliver the good ones, until
    all of them reach the delivery count and become dead letters. Sessions keep the order of messages with one key.
    """

    name: str
    setting: str
    receive: Callable[..., Any]
    has_sessions: bool = False


QUEUE_FUNCTIONS = (
    QueueFunction(
        name="receive_hub_message",
        setting=MESSAGES_QUEUE,
        receive=queues.hub_messages.receive_message,
        has_sessions=True,
    ),
    QueueFunction(
        name="receive_hub_records",
        setting=RECORDS_QUEUE,
        receive=queues.stream_records.receive_records,
        has_sessions=True,
    ),
    QueueFunction(name="receive_sent_decision", setting=APPROVALS_QUEUE, receive=queues.decisions.receive_decision),
    QueueFunction(name="receive_devops_hook", setting=HOOKS_QUEUE, receive=queues.service_hooks.receive_hook),
    # Without sessions, because Event Grid cannot deliver to a queue that requires them.
    QueueFunction(name="receive_queued_event", setting=EVENTS_QUEUE, receive=queues.events.receive_events),
)


def queue_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """The functions of all queues that are set; each body is imported at its first message (docs/benchmarks.md)."""
    blueprint = Blueprint()
    for function in QUEUE_FUNCTIONS:
        if has_queue(function.setting):
            _add_function(blueprint, clients, function)
    return blueprint


def _add_function(blueprint: Blueprint, clients: Callable[[], Clients], function: QueueFunction) -> None:
    async def handler(message: func.ServiceBusMessage, client) -> None:  # type: ignore[no-untyped-def]
        await load(function.receive)(client, clients(), message)

    handler.__name__ = function.name
    bind_queue = blueprint.service_bus_queue_trigger(
        arg_name="message",
        queue_name=f"%{function.setting}%",
        connection=SERVICE_BUS,
        is_sessions_enabled=function.has_sessions or None,  # False would be written down, and is the default.
    )
    bind_queue(blueprint.durable_client_input(client_name="client")(handler))
