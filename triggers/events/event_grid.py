"""The Event Grid door: what lands in the Data Hub starts what the routes say.

A bad event is stored and acknowledged, since Event Grid drops what is refused with a 4xx; a transient fault raises, so
that the host answers 5xx and the event is delivered again.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from shared.clients import Clients
from shared.durable.registration import Blueprint
from shared.durable.starting import Client
from shared.telemetry.spans import receiving
from triggers.events.event_binding import event_as_sent, keep_events_as_sent

WITHOUT = {"id": "", "session": "", "correlation": "", "sequence": 0, "data": None}  # What a message may leave out.

_log = logging.getLogger(__name__)


def hub_event_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    blueprint = Blueprint()
    keep_events_as_sent()

    @blueprint.event_grid_trigger(arg_name="event")
    @blueprint.durable_client_input(client_name="client")
    async def receive_hub_event(event, client) -> None:  # type: ignore[no-untyped-def]  # Either envelope's class.
        await receive(client, clients(), event_as_sent(event))

    return blueprint


async def receive(client: Client, made: Clients, raw: Any) -> tuple[str, ...]:
    """Take in one event in either envelope, and nothing secret in it; says what was done."""
    from shared.domain.access.redaction import without_secrets
    from shared.domain.events import UnreadableEvent  # Not before the first event: cold start is a budget.
    from triggers.events.envelopes import read_event
    from triggers.events.intake import dead_letter, take_in
    from triggers.queues.hub_messages import PoisonMessage, take_message
    from triggers.queues.message_files import is_message
    from triggers.queues.stream_records import is_records, take_records

    raw = without_secrets(raw)
    if is_message(raw) or is_records(raw):  # Stored once, and replayed now; or written by hand.
        raw = WITHOUT | raw
        try:
            if is_records(raw):
                return (await take_records(client, made, raw),)
            return await take_message(client, made, raw)
        except PoisonMessage as error:
            return (str(error),)
    fields = raw if isinstance(raw, dict) else {}
    now, happened = made.clock.now(), _happened(fields)
    try:
        event = read_event(raw, made.configuration.hub.account)
    except UnreadableEvent as error:
        with receiving(type(error).__name__, now, since=happened):
            said: tuple[str, ...] = (f"stored as {await dead_letter(made, raw, str(error))}: {error}",)
    else:
        with receiving(type(event).__name__, now, since=happened, event=event.event_id):
            said = await take_in(client, made, event)
    lag_s = "unknown" if happened is None else f"{(now - happened).total_seconds():.3f}"
    _log.info("event %s, lag_s=%s: %s", fields.get("id", "?"), lag_s, "; ".join(said))
    return said


def _happened(fields: dict[str, Any]) -> datetime | None:
    """The event's own time: Event Grid promises no lag from it, so the lag is said for every event."""
    from triggers.events.fields import moment_of  # As above.

    return moment_of(fields.get("eventTime") or fields.get("time"))
