"""A data check that a message of the hub's queue asks for: the same as over HTTP, one for each message's id.

Its verdict is sent to the results topic, for the sender of the message.
"""

import asyncio
from dataclasses import dataclass

from shared import contracts as c
from shared.application.inference.starts import start_data_check
from shared.clients import Clients
from shared.domain import identity
from shared.domain.events import UnreadableEvent
from shared.durable.starting import Client, Start
from shared.validation.rules import Name
from triggers.http.exchange.problems import Problem
from triggers.http.inference.data_checks import check_of
from triggers.http.named_resources import HubPath
from triggers.queues.queue_messages import QueueMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSent:
    """*check* is container/path in the hub; *route* the one whose contract the file must meet."""

    check: HubPath
    route: Name


def is_check(message: QueueMessage) -> bool:
    return isinstance(message.data, dict) and "check" in message.data


async def take_check(client: Client, clients: Clients, message: QueueMessage) -> str:
    """Start the check, unless the message was here before. Raises UnreadableEvent, and Transient: deliver again."""
    check = await asyncio.to_thread(check_of_message, clients, message)
    start = await start_data_check(client, check)
    return f"data check {check.id} {'started' if start is Start.STARTED else f'is {start.value}'}"


def check_of_message(clients: Clients, message: QueueMessage) -> c.FileCheck:
    """What the message asks for. Raises UnreadableEvent."""
    asker, order = message.asker, message.brings(CheckSent)
    name = f"check-{identity.digest(asker.message, order.check, order.route)}"
    try:
        return check_of(clients, name, order.check, order.route, f"message {asker.message}", asker)
    except Problem as problem:
        raise UnreadableEvent(problem.detail) from problem
