"""The queue of streaming records: what a message brings is checked and kept, and waits to be in a micro-batch.

A message is settled once its records are in the hub; what happens to them then is `activities.streams`'. A message is
taken whole or not at all: with one bad record it is poison, stored and raised as every other (`triggers.hub_messages`).
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Annotated, Any

import azure.functions as func

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity, records
from shared.domain.events import UnreadableEvent
from shared.domain.redaction import redacted, without_secrets
from shared.domain.streams import KEY, Stream
from shared.durable import Client, Start, start_once
from shared.shapes import Many, Name, findings
from triggers.hub_messages import PoisonMessage, content_of, delivered
from triggers.intake import dead_letter
from triggers.messages import refuse_nameless

RECORDS = "Signalbox.HubRecords"  # The type under which a message is kept, among events that could not be read.
_CUT = "cut"  # Set on a kept message that is not whole, since a secret was taken out of it.

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsSent:
    """*records* are flat: texts, numbers, true, false and null by the names of the contract's columns."""

    stream: Name
    records: Annotated[tuple[dict[str, Any], ...], Many(fewest=1)]


def is_records(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("type") == RECORDS


async def receive_records(client: Client, clients: Clients, message: func.ServiceBusMessage) -> str:
    """Keep what one message brings; says what was done. Raises PoisonMessage, and Transient: deliver again."""
    raw, problem = raw_of(message)
    with delivered(RECORDS, clients, message, redacted(str(raw["id"]))):
        said = await take_records(client, clients, raw, problem)
    _log.info("message %s, delivery %s: %s", raw["id"], message.delivery_count, said)
    return said


def raw_of(message: func.ServiceBusMessage) -> tuple[dict[str, Any], str]:
    """The message as it is kept, whole, and what is wrong with its body."""
    data, problem = content_of(message)
    raw = {
        "type": RECORDS,
        "id": message.message_id or "",
        "session": message.session_id or "",
        "correlation": message.correlation_id or "",
        "sequence": message.sequence_number or 0,
        "data": data,
    }
    return raw, problem


async def take_records(client: Client, clients: Clients, raw: dict[str, Any], problem: str = "") -> str:
    """Keep all that *raw* brings, or nothing: *problem* is one that was found before."""
    try:
        if problem:
            raise UnreadableEvent(problem)
        watch, said = await asyncio.to_thread(keep, clients, raw)
    except UnreadableEvent as error:
        shown = without_secrets(raw)
        stored = await dead_letter(clients, shown if shown == raw else shown | {_CUT: True}, redacted(str(error)))
        raise PoisonMessage(f"stored as {stored}: {redacted(str(error))}") from error
    how = await start_once(
        client, c.COLLECT_RECORDS, identity.collector_id(watch.stream, watch.group), watch, again=True
    )
    return f"{said}; its collector {'started' if how is Start.STARTED else 'runs'}"


def keep(clients: Clients, raw: dict[str, Any]) -> tuple[c.RecordsWatch, str]:
    """Write the message where its collector looks, unless a batch has it. Raises UnreadableEvent, and Transient."""
    stream, sent = would_keep(clients, raw)
    watch = c.RecordsWatch(stream=stream.name, group=stream.group_of(str(raw["session"])))
    state, message = clients.configuration.hub.state, str(raw["id"])
    used = clients.hub.read(state, records.used_message(stream.name, identity.message_digest(message)))
    if used is not None:
        return watch, f"skipped: its records are in batch {json.loads(used)['batch']} of stream {stream.name}"
    wrong = clients.data_checks.faults(clients.configuration.route(stream.route).contract, sent.records)
    if wrong:
        raise UnreadableEvent(f"its records break the data contract of stream {stream.name}: {'; '.join(wrong)}"[:1000])
    path = f"{records.held_records(stream.name, watch.group)}{identity.held_name(int(raw['sequence']), message)}.json"
    content = {name: raw[name] for name in ("id", "session", "correlation")} | {"records": list(sent.records)}
    created = clients.hub.create(state, path, json.dumps(content).encode(), {"records": str(len(sent.records))})
    said = f"{len(sent.records)} records of stream {stream.name} {'wait' if created else 'wait already'}"
    return watch, f"{said} in group {watch.group}"


def would_keep(clients: Clients, raw: dict[str, Any]) -> tuple[Stream, RecordsSent]:
    """What the message brings to which stream. Raises UnreadableEvent."""
    wrong = [str(each) for each in findings(RecordsSent, raw.get("data"))]
    if wrong:
        raise UnreadableEvent("; ".join(wrong)[:1000])
    if raw.get(_CUT):
        raise UnreadableEvent("a secret was taken out of it before it was kept; replay the one in the queue instead")
    refuse_nameless(raw)
    if type(raw["sequence"]) is not int or raw["sequence"] < 0:
        raise UnreadableEvent(f"field 'sequence' is {str(raw['sequence'])[:60]!r}; it is the number the queue gave it")
    names = {name: str(raw[name]) for name in ("id", "session", "correlation")}
    if names != without_secrets(names):
        raise UnreadableEvent("the message's id, session or correlation holds what looks like a secret; leave it out")
    sent = decode(RecordsSent, raw["data"])
    nested = [name for record in sent.records for name, value in record.items() if isinstance(value, dict | list)]
    if nested:
        raise UnreadableEvent(f"field {nested[0][:60]!r} of a record is nested; send texts, numbers, true, false, null")
    found = {stream.name: stream for stream in clients.configuration.streams}.get(sent.stream)
    if found is None:
        known = ", ".join(stream.name for stream in clients.configuration.streams) or "none"
        raise UnreadableEvent(f"stream {sent.stream!r} is not configured; there are: {known}")
    if found.by_key and not KEY.fullmatch(str(raw["session"])):
        raise UnreadableEvent(f"session {str(raw['session'])[:60]!r} is no key of stream {found.name}: {KEY.pattern}")
    return found, sent
