"""One event in its envelope, by Event Grid or a queue: read, acted on and logged; one that cannot be read is stored."""

import asyncio
import logging
from typing import Any

from shared.application.events.dead_letters import store_letter
from shared.application.events.intake import take_in
from shared.clients import Clients
from shared.domain.access.redaction import without_secrets
from shared.domain.events import UnreadableEvent
from shared.durable.starting import Client
from shared.telemetry.spans import receiving
from triggers.events.envelopes import origin_of, read_event
from triggers.events.fields import envelope_of, moment_of

_log = logging.getLogger(__name__)


async def receive_event(client: Client, clients: Clients, raw: Any) -> tuple[str, ...]:
    """Remove the secrets from *raw*, then act on its event; returns a sentence for each decision.

    Raises Transient: deliver it again. Event Grid promises no lag, so the lag is logged for every event.
    """
    raw = without_secrets(raw)
    envelope = envelope_of(raw)
    now, happened_at = clients.clock.now(), moment_of(envelope.time)
    try:
        event = read_event(raw, clients.configuration.hub.account, clients.configuration.accounts_elsewhere)
    except UnreadableEvent as error:
        with receiving(type(error).__name__, now, since=happened_at):
            location = await asyncio.to_thread(store_letter, clients, raw, str(error))
            results: tuple[str, ...] = (f"stored as {location}: {error}",)
    else:
        with receiving(type(event).__name__, now, since=happened_at, event=event.event_id):
            results = await take_in(client, clients, event, origin_of(raw))
    lag_s = "unknown" if happened_at is None else f"{(now - happened_at).total_seconds():.3f}"
    _log.info("event %s, lag_s=%s: %s", envelope.id or "?", lag_s, "; ".join(results))
    return results
