"""A data check that a message of the hub's queue asks for: the HTTP door's checks, one check for each message's id, and
its verdict on the results topic for whoever asked."""

import asyncio
from dataclasses import dataclass
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.events import UnreadableEvent
from shared.durable.starting import Client, Start, start_once
from shared.validation.rules import Name
from triggers.http.inference.data_checks import check_of
from triggers.http.problems import Problem
from triggers.http.requests import HubPath
from triggers.queues.message_files import asker_of, read_content


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSent:
    """*check* is container/path in the hub; *route* the one whose contract the file must meet."""

    check: HubPath
    route: Name


def is_check(raw: dict[str, Any]) -> bool:
    return isinstance(raw.get("data"), dict) and "check" in raw["data"]


async def take_check(client: Client, clients: Clients, raw: dict[str, Any]) -> str:
    """Start the check, unless the message was here before. Raises UnreadableEvent, and Transient: deliver again."""
    check = await asyncio.to_thread(check_sent, clients, raw)
    how = await start_once(client, c.CHECK_HUB_FILE, check.id, check)
    return f"data check {check.id} {'started' if how is Start.STARTED else f'is {how.value}'}"


def check_sent(clients: Clients, raw: dict[str, Any]) -> c.FileCheck:
    """What the message asks for. Raises UnreadableEvent."""
    sent = read_content(CheckSent, raw["data"])
    asker = asker_of(raw)
    name = f"check-{identity.digest(asker.message, sent.check, sent.route)}"
    try:
        return check_of(clients, name, sent.check, sent.route, f"message {asker.message}", asker)
    except Problem as problem:
        raise UnreadableEvent(problem.detail) from problem
