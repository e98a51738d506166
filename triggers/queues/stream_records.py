"""The queue of streaming records: what a message brings is checked and kept, and waits to be in a micro-batch.

A message is settled once its records are in the hub; `activities.inference.streams` makes batches of them. A bad record
is stored with its reason as a letter of its own, and its neighbours are taken; a message without a good one is poison,
stored and raised as every other (`triggers.queues.hub_messages`).
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Annotated, Any

import azure.functions as func

from shared import contracts as c
from shared.application.events.dead_letters import store_letter
from shared.application.inference.starts import collect_records
from shared.clients import Clients
from shared.domain import identity
from shared.domain.access.redaction import redacted, without_secrets
from shared.domain.events import UnreadableEvent
from shared.domain.inference.streams import KEY, Stream
from shared.durable.starting import Client, Start
from shared.records import paths as records
from shared.records.inference import HeldMessage, UsedMessage
from shared.validation.rules import Many, Name
from triggers.queues.hub_messages import PoisonMessage, content_of, handling
from triggers.queues.message_files import read_content, refuse_nameless

RECORDS = "Signalbox.HubRecords"  # The type under which a message is kept, among events that could not be read.
_REFUSED = ".refused"  # Behind the id of a message, for the letter with those of its records that were not taken.
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
    """Keep the records of one message; returns a sentence. Raises PoisonMessage, and Transient: deliver again."""
    raw, problem = raw_of(message)
    with handling(RECORDS, clients, message, redacted(str(raw["id"]))):
        result = await take_records(client, clients, raw, problem)
    _log.info("message %s, delivery %s: %s", raw["id"], message.delivery_count, result)
    return result


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
    """Keep what is good of all that *raw* brings: *problem* is one that was found before."""
    try:
        if problem:
            raise UnreadableEvent(problem)
        delivery = await asyncio.to_thread(keep, clients, raw)
    except UnreadableEvent as error:
        content = without_secrets(raw)
        letter = content if content == raw else content | {_CUT: True}
        location = await asyncio.to_thread(store_letter, clients, letter, redacted(str(error)))
        raise PoisonMessage(f"stored as {location}: {redacted(str(error))}") from error
    start = await collect_records(client, delivery.watch)
    return f"{delivery.summary}; its collector {'started' if start is Start.STARTED else 'runs'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecords:
    """What a message brought waits in the group of *watch*; *summary* says how much of it."""

    watch: c.RecordsWatch
    summary: str


def keep(clients: Clients, raw: dict[str, Any]) -> KeptRecords:
    """Write the good records where their collector looks, unless a batch has them, and the bad ones as a letter.

    Raises UnreadableEvent where none is good, and Transient.
    """
    stream, delivery = read_records(clients, raw)
    watch = c.RecordsWatch(stream=stream.name, group=stream.group_of(str(raw["session"])))
    message = str(raw["id"])
    used_message = clients.store.get(UsedMessage, records.used_message(stream.name, identity.message_digest(message)))
    if used_message is not None:
        summary = f"skipped: its records are in batch {used_message.batch} of stream {stream.name}"
        return KeptRecords(watch=watch, summary=summary)
    good, bad = _sort_records(clients, stream, delivery)
    if not good:
        reasons = "; ".join(reason for _, reason in bad)
        raise UnreadableEvent(f"its records break the data contract of stream {stream.name}: {reasons}"[:1000])
    if bad:
        _store_refused(clients, raw, stream, bad)
    # The queue's sequence number comes first in the name, so that a listing of the hub is in the order of the queue:
    # times of different hosts would not be.
    path = f"{records.held_records(stream.name, watch.group)}{identity.held_name(int(raw['sequence']), message)}.json"
    names = {name: raw[name] for name in ("id", "session", "correlation")}
    is_new = clients.store.create(path, HeldMessage(**names, records=tuple(good)), {"records": str(len(good))})
    summary = f"{len(good)} records of stream {stream.name} {'wait' if is_new else 'wait already'}"
    refusal = f", {len(bad)} are refused" if bad else ""
    return KeptRecords(watch=watch, summary=f"{summary} in group {watch.group}{refusal}")


def _sort_records(
    clients: Clients, stream: Stream, delivery: RecordsSent
) -> tuple[list[dict[str, Any]], list[tuple[dict[str, Any], str]]]:
    """The good records, and each bad one with what is wrong with it."""
    flat = [record for record in delivery.records if not _nesting_reason(record)]
    faults = iter(clients.data_checks.faults(clients.configuration.route(stream.route).contract, flat) if flat else ())
    good, bad = list[dict[str, Any]](), list[tuple[dict[str, Any], str]]()
    for number, record in enumerate(delivery.records, 1):
        fault = _nesting_reason(record)
        reasons = (fault,) if fault else next(faults)
        if reasons:
            bad.append((record, f"record {number}: {'; '.join(reasons)}"))
        else:
            good.append(record)
    return good, bad


def _nesting_reason(record: dict[str, Any]) -> str:
    names = [name for name, value in record.items() if isinstance(value, dict | list)]
    return f"field {names[0][:60]!r} of a record is nested; send texts, numbers, true, false, null" if names else ""


def _store_refused(
    clients: Clients, raw: dict[str, Any], stream: Stream, bad: list[tuple[dict[str, Any], str]]
) -> None:
    """The bad records as a letter that can be replayed: a message of its own, since a batch will have used the other.

    Its name is that of its content, so a message that is delivered again writes no second one.
    """
    letter = raw | {
        "id": f"{raw['id']}{_REFUSED}",
        "correlation": raw["correlation"] or raw["id"],
        "data": raw["data"] | {"records": [record for record, _ in bad]},
    }
    reason = redacted("; ".join(reason for _, reason in bad)[:1000])
    content = without_secrets(letter)
    store_letter(clients, content if content == letter else content | {_CUT: True}, f"stream {stream.name}: {reason}")


def read_records(clients: Clients, raw: dict[str, Any]) -> tuple[Stream, RecordsSent]:
    """What the message brings to which stream. Raises UnreadableEvent."""
    delivery = read_content(RecordsSent, raw.get("data"))
    if raw.get(_CUT):
        raise UnreadableEvent("a secret was taken out of it before it was kept; replay the one in the queue instead")
    refuse_nameless(raw)
    if type(raw["sequence"]) is not int or raw["sequence"] < 0:
        raise UnreadableEvent(f"field 'sequence' is {str(raw['sequence'])[:60]!r}; it is the number the queue gave it")
    names = {name: str(raw[name]) for name in ("id", "session", "correlation")}
    if names != without_secrets(names):
        raise UnreadableEvent("the message's id, session or correlation holds what looks like a secret; leave it out")
    streams = {stream.name: stream for stream in clients.configuration.streams}
    stream = streams.get(delivery.stream)
    if stream is None:
        raise UnreadableEvent(
            f"stream {delivery.stream!r} is not configured; there are: {', '.join(streams) or 'none'}"
        )
    if stream.by_key and not KEY.fullmatch(str(raw["session"])):
        raise UnreadableEvent(f"session {str(raw['session'])[:60]!r} is no key of stream {stream.name}: {KEY.pattern}")
    return stream, delivery
