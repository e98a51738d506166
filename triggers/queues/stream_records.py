"""The queue of streaming records: what a message brings is checked and kept, and waits to be in a micro-batch.

A message is settled once its records are in the hub; `activities.inference.streams` makes batches of them. A bad record
is stored with its reason as a letter of its own, and its neighbours are taken; a message without a good one is poison,
stored and raised as every other (`triggers.queues.hub_messages`).
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Annotated, Any

import azure.functions as func

from shared import contracts as c
from shared.application.events.dead_letters import store_letter
from shared.application.inference.starts import collect_records
from shared.clients import Clients
from shared.domain import identity
from shared.domain.access.redaction import redacted, without_secrets
from shared.domain.counts import counted
from shared.domain.events import UnreadableEvent
from shared.domain.inference.streams import KEY, Stream
from shared.durable.starting import Client, Start
from shared.records import paths as records
from shared.records.inference import HeldMessage, UsedMessage
from shared.validation.requests import BadRequest, requested
from shared.validation.rules import Many, Name
from triggers.queues.hub_messages import handling
from triggers.queues.queue_messages import RECORDS, PoisonMessage, QueueMessage, queue_message

_REFUSED = ".refused"  # Behind the id of a message, for the letter with those of its records that were not taken.

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsSent:
    """*records* are flat: texts, numbers, true, false and null by the names of the contract's columns."""

    stream: Name
    records: Annotated[tuple[dict[str, Any], ...], Many(fewest=1)]


async def receive_records(client: Client, clients: Clients, delivery: func.ServiceBusMessage) -> str:
    """Keep the records of one message; returns a sentence. Raises PoisonMessage, and Transient: deliver again."""
    message, problem = queue_message(delivery, RECORDS)
    with handling(RECORDS, clients, delivery, redacted(message.id)):
        result = await take_records(client, clients, message, problem)
    _log.info("message %s, delivery %s: %s", message.id, delivery.delivery_count, result)
    return result


async def take_records(client: Client, clients: Clients, message: QueueMessage, problem: str = "") -> str:
    """Keep what is good of all that *message* brings: *problem* is one that was found before."""
    try:
        if problem:
            raise UnreadableEvent(problem)
        records_kept = await asyncio.to_thread(keep, clients, message)
    except UnreadableEvent as error:
        location = await asyncio.to_thread(store_letter, clients, _letter(message), redacted(str(error)))
        raise PoisonMessage(f"stored as {location}: {redacted(str(error))}") from error
    start = await collect_records(client, records_kept.watch)
    return f"{records_kept.summary}; its collector {'started' if start is Start.STARTED else 'runs'}"


def _letter(message: QueueMessage) -> dict[str, Any]:
    """*message* as it is kept: without its secrets, and marked where it had any."""
    bare = message.without_secrets()
    return (bare if bare == message else replace(bare, cut=True)).letter


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecords:
    """What a message brought waits in the group of *watch*; *summary* says how much of it."""

    watch: c.RecordsWatch
    summary: str


def keep(clients: Clients, message: QueueMessage) -> KeptRecords:
    """Write the good records where their collector looks, unless a batch has them, and the bad ones as a letter.

    Raises UnreadableEvent where none is good, and Transient.
    """
    stream, delivery = read_records(clients, message)
    watch = c.RecordsWatch(stream=stream.name, group=stream.group_of(message.session))
    used_path = records.used_message(stream.name, identity.message_digest(message.id))
    used_message = clients.store.get(UsedMessage, used_path)
    if used_message is not None:
        summary = f"skipped: its records are in batch {used_message.batch} of stream {stream.name}"
        return KeptRecords(watch=watch, summary=summary)
    good, bad = _sort_records(clients, stream, delivery)
    if not good:
        reasons = "; ".join(reason for _, reason in bad)
        raise UnreadableEvent(f"its records break the data contract of stream {stream.name}: {reasons}"[:1000])
    if bad:
        # The bad ones first: once the good ones are held a batch may use the message, and a delivery that comes again
        # after that is skipped, with its bad records.
        _store_refused(clients, message, stream, bad)
    # The queue's sequence number comes first in the name, so that a listing of the hub is in the order of the queue:
    # times of different hosts would not be.
    path = f"{records.held_records(stream.name, watch.group)}{identity.held_name(message.sequence, message.id)}.json"
    held_message = HeldMessage(
        id=message.id, session=message.session, correlation=message.correlation, records=tuple(good)
    )
    is_new = clients.store.create(path, held_message, {"records": str(len(good))})
    wait = "waits" if len(good) == 1 else "wait"
    summary = f"{counted(len(good), 'record')} of stream {stream.name} {wait}{'' if is_new else ' already'}"
    refusal = f", {counted(len(bad), 'is', 'are')} refused" if bad else ""
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
    clients: Clients, message: QueueMessage, stream: Stream, bad: list[tuple[dict[str, Any], str]]
) -> None:
    """The bad records as a letter that can be replayed: a message of its own, since a batch will have used the other.

    Its name is that of its content, so a message that is delivered again writes no second one.
    """
    refusal = replace(
        message,
        id=f"{message.id}{_REFUSED}",
        correlation=message.correlation or message.id,
        data=message.data | {"records": [record for record, _ in bad]},
    )
    reason = redacted("; ".join(reason for _, reason in bad)[:1000])
    store_letter(clients, _letter(refusal), f"stream {stream.name}: {reason}")


def _delivery(message: QueueMessage) -> RecordsSent:
    """What the message brings. Raises UnreadableEvent, which repeats nothing of it but the name of the stream."""
    try:
        return requested(RecordsSent, message.data)
    except BadRequest as error:
        faults = (fault if fault.field == "stream" else replace(fault, value="wrong") for fault in error.faults)
        raise UnreadableEvent("; ".join(map(str, faults))[:1000]) from error


def read_records(clients: Clients, message: QueueMessage) -> tuple[Stream, RecordsSent]:
    """What the message brings to which stream. Raises UnreadableEvent."""
    delivery = _delivery(message)
    if message.cut:
        raise UnreadableEvent("a secret was taken out of it before it was kept; replay the one in the queue instead")
    message.refuse_nameless()
    if type(message.sequence) is not int or message.sequence < 0:
        raise UnreadableEvent(f"field 'sequence' is {str(message.sequence)[:60]!r}; it is the number the queue gave it")
    names = {"id": message.id, "session": message.session, "correlation": message.correlation}
    if names != without_secrets(names):
        raise UnreadableEvent("the message's id, session or correlation holds what looks like a secret; leave it out")
    streams = {stream.name: stream for stream in clients.configuration.streams}
    stream = streams.get(delivery.stream)
    if stream is None:
        raise UnreadableEvent(
            f"stream {delivery.stream!r} is not configured; there are: {', '.join(streams) or 'none'}"
        )
    if stream.by_key and not KEY.fullmatch(message.session):
        raise UnreadableEvent(f"session {message.session[:60]!r} is no key of stream {stream.name}: {KEY.pattern}")
    return stream, delivery
