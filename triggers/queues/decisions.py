"""The approvals queue: a person's decision, proven by the access token in the message; the rules are those of HTTP.

The token is verified and kept nowhere, so a refused message is recorded without it and settled: raising would leave the
token in the queue's dead letters. A person who wants to decide after all sends a new message.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Annotated, Any

import azure.functions as func

from shared.application.events.dead_letters import store_letter
from shared.application.promotion.decisions import Ballot, decide
from shared.application.promotion.standing import decided
from shared.application.promotion.stored_plans import unverified_opening
from shared.clients import Clients
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.access.redaction import redacted, without_secrets
from shared.domain.events import UnreadableEvent
from shared.domain.failures import Refused
from shared.durable.starting import Client
from shared.validation.rules import Name, Sentence, Text
from triggers.http import places
from triggers.http.exchange.bodies import parse_json
from triggers.http.exchange.problems import Problem
from triggers.http.promotion.decisions import decision_records
from triggers.queues.hub_messages import handling
from triggers.queues.queue_messages import MESSAGE_LIMIT, read_content

_DECISION = "Signalbox.Decision"
_TOKEN_LIMIT = 32 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSent:
    """As over HTTP; the token comes beside it and is taken out before anything else is read."""

    promotion: Annotated[str, Text(longest=100, pattern=r"[a-z0-9][a-z0-9-]*")]
    approved: bool
    role: Name
    evidence: Name
    reason: Sentence


async def receive_decision(client: Client, clients: Clients, message: func.ServiceBusMessage) -> str:
    """Record the decision in *message*, or why it does not count. Raises Transient: deliver again."""
    with handling(_DECISION, clients, message):
        return await _receive(client, clients, message)


async def _receive(client: Client, clients: Clients, message: func.ServiceBusMessage) -> str:
    content, message_id = None, redacted(message.message_id or "")
    try:
        token, content = _open(message.get_body())
        result = await _decide(client, clients, token, content)
    except (UnreadableEvent, Refused) as refusal:
        reason = str(refusal)
    except Problem as refusal:
        reason = refusal.detail
    else:
        _log.info("decision %s: %s", message_id, result)
        return result
    raw = {"type": _DECISION, "id": message_id, "data": content}
    location = await asyncio.to_thread(store_letter, clients, raw, reason)
    _log.warning("decision %s is refused, stored as %s: %s", message_id, location, reason)
    return reason


def _open(body: bytes) -> tuple[str, dict[str, Any]]:
    """The token, and the rest of the message; a body that cannot be read is not shown, since a token may be in it."""
    try:
        raw = parse_json(body, MESSAGE_LIMIT)
    except ValueError as error:
        raise UnreadableEvent("the body is no JSON of a sane size and depth") from error
    if not isinstance(raw, dict):
        raise UnreadableEvent("the body is no JSON object")
    token = raw.pop("token", None)
    if not isinstance(token, str) or not 0 < len(token) <= _TOKEN_LIMIT:
        raise UnreadableEvent("field 'token' is missing or no token; send an access token for the app")
    content = without_secrets(raw)
    try:
        read_content(DecisionSent, content)
    except UnreadableEvent as error:
        # `from None`: the cause would show the whole message, and with it the token, in the log's traceback.
        raise UnreadableEvent(str(error).replace(token, "the token")) from None
    return token, content


async def _decide(client: Client, clients: Clients, token: str, raw: dict[str, Any]) -> str:
    order = read_content(DecisionSent, raw)
    person = await asyncio.to_thread(clients.callers.known, {"Authorization": f"Bearer {token}"}, {})
    arguments = {"promotion": order.promotion}
    await asyncio.to_thread(places.require, clients, person, Action.DECIDE, "question", arguments)
    if await asyncio.to_thread(_is_recorded, clients, person, order):
        return f"{person.name} has decided so as {order.role} already"
    ballot = Ballot(
        person=person,
        role=order.role,
        approved=order.approved,
        evidence=order.evidence,
        reason=order.reason,
        at=clients.clock.now(),
    )
    stage, kind = await decide(client, decision_records(clients), order.promotion, ballot)
    return f"{kind} by {person.name} as {order.role} at {stage}"


def _is_recorded(clients: Clients, person: Caller, order: DecisionSent) -> bool:
    """Whether the message was recorded before: a repeated delivery must not renew a withdrawn decision."""
    opening = unverified_opening(clients.ledger, order.promotion)
    own = (person.oid, order.role, order.evidence, order.approved)
    return any(
        (approval.oid, approval.role, approval.evidence, approval.approved) == own
        for at in (opening.plan.stages if opening and opening.plan else ())
        for approval in decided(clients.statements, order.promotion, at.stage.name)
    )
