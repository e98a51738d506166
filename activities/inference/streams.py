"""Micro-batches: messages of a stream become one file of the hub, and the run that scores it.

A mark, which is created once, says which batch has a message. All steps before and after it can be repeated by any
process: the next look finishes a batch that a kill left incomplete.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from activities.effects import once
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.application.inference.open_runs import start_inference
from shared.application.inference.result_requests import answer_late, note_askers
from shared.application.inference.starts import collect_records
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.streams import AnswerMode, Stream, WaitingMessage, cut
from shared.domain.messaging import Asker
from shared.durable.starting import Client, Start
from shared.records import paths
from shared.records.inference import BatchMessages, HeldMessage, UsedMessage

T = TypeVar("T")
R = TypeVar("R")

BATCH_MARK = "signalbox_batch"  # Blob metadata of a batch's file.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """The file of a batch and its own messages; None where all turned out to be in another."""

    arrival: Arrival | None = None
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchClaim:
    """*messages* by their names; those that are in the batch are the ones whose mark says so."""

    stream: Stream
    group: str
    batch: str
    messages: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.stream.name}/{self.group}/{self.batch}"


def look_at_records(clients: Clients, watch: c.RecordsWatch) -> c.RecordsSeen:
    next_batch = cut(_held(clients, watch), clients.configuration.stream(watch.stream))
    return c.RecordsSeen(due=bool(next_batch.batch), wait_s=next_batch.wait_s)


async def close_batch(client: Client, clients: Clients, closing: c.BatchClosing) -> c.BatchClosed:
    """Make a file of the oldest batch that is due and start its run; finishes one that was begun before."""
    claim = await asyncio.to_thread(_claim, clients, closing.watch)
    if claim is None:
        return c.BatchClosed()
    landing = await asyncio.to_thread(_land, clients, claim)
    run = await _start(client, clients, claim, landing.arrival) if landing.arrival else ""
    await asyncio.to_thread(_forget, clients, claim, landing.messages)
    return c.BatchClosed(batch=claim.name, run=run)


async def sweep_streams(client: Client, clients: Clients, parts: Parts) -> int:
    """Open the collectors of what waits and has none; says how many."""
    starts = 0
    for stream in clients.configuration.streams:
        with parts.part(f"stream {stream.name}"):
            for watch in await asyncio.to_thread(_waiting, clients, stream):
                starts += await collect_records(client, watch) is Start.STARTED
    return starts


def _held(clients: Clients, watch: c.RecordsWatch) -> Iterator[WaitingMessage]:
    """What waits in the group, in the order of the queue; of a message that was sent again, the first."""
    now, messages = clients.clock.now(), set[str]()
    for blob in clients.store.blobs(paths.held_records(watch.stream, watch.group)):
        age_s = max(0.0, (now - blob.modified).total_seconds())
        name = blob.path.rpartition("/")[2].removesuffix(".json")
        if (message := _message(name)) in messages:
            continue
        messages.add(message)
        yield WaitingMessage(name=name, records=int(blob.metadata.get("records", 1)), size=blob.size, age_s=age_s)


def _waiting(clients: Clients, stream: Stream) -> list[c.RecordsWatch]:
    """The groups in which something waits."""
    folder = paths.held_records(stream.name)
    blobs = clients.store.blobs(folder)
    groups = dict.fromkeys(blob.path.removeprefix(folder).partition("/")[0] for blob in blobs)
    return [c.RecordsWatch(stream=stream.name, group=group) for group in groups]


def _claim(clients: Clients, watch: c.RecordsWatch) -> BatchClaim | None:
    """The batch that the first message is in, or should be in now; None where nothing is due."""
    stream, store = clients.configuration.stream(watch.stream), clients.store
    first = next(_held(clients, watch), None)
    if first is None:
        return None
    mark = _mark(clients, stream, first.name)
    # A message with a mark belongs to a batch that was begun before, so that one is finished first. Only the batch's
    # own list says which others it has.
    names = (first.name,) if mark else cut(_held(clients, watch), stream).batch
    if not names:
        return None
    group, batch = (mark.group, mark.batch) if mark else (watch.group, first.name)
    path = paths.micro_batch(stream.name, group, batch)
    # The first list of messages wins: two collectors then make the same batch and not two that
    # overlap.
    store.create(path, BatchMessages(messages=names))
    batch_messages = store.get(BatchMessages, path)
    if batch_messages is None:
        raise Transient(f"{path} was removed while the batch was claimed")
    if mark and mark.message != f"{watch.group}/{first.name}":  # Sent again; its first copy is used.
        store.delete(f"{paths.held_records(stream.name, watch.group)}{first.name}.json")
    return BatchClaim(stream=stream, group=group, batch=batch, messages=batch_messages.messages)


def _land(clients: Clients, claim: BatchClaim) -> BatchFile:
    """Mark the messages, make a file of those that are the batch's own, and note who is to hear of it."""

    def act() -> BatchFile:
        own = tuple(name for name, is_own in zip(claim.messages, _each(mark, claim.messages), strict=True) if is_own)
        if not own:
            return BatchFile()
        messages = _each(lambda name: _content(clients, claim, name), own)
        arrival = _file(clients, claim, [record for message in messages for record in message.records])
        note_askers(clients.hub, _inference(clients, claim, arrival), _askers(claim, messages), claim.name)
        return BatchFile(arrival=arrival, messages=own)

    def mark(name: str) -> bool:
        use = UsedMessage(group=claim.group, batch=claim.batch, message=f"{claim.group}/{name}")
        # The second half is for a repeat: its own mark, which an earlier try has created, counts as created.
        return clients.store.create(_mark_path(claim.stream, name), use) or _mark(clients, claim.stream, name) == use

    return once(clients, identity.landing_key(claim.stream.name, claim.group, claim.batch), BatchFile, act)


def _file(clients: Clients, claim: BatchClaim, rows: Sequence[dict[str, Any]]) -> Arrival:
    """The batch as a file of the hub. Refused where another file has its name."""
    location = claim.stream.place(claim.group, claim.batch)
    container, _, path = location.partition("/")
    data = clients.data_checks.written(clients.configuration.route(claim.stream.route).contract, rows)
    clients.hub.create(container, path, data, {BATCH_MARK: claim.name})
    blob = clients.hub.find(container, path)
    if blob is None or blob.metadata.get(BATCH_MARK) != claim.name:
        raise Refused(f"{location} is not batch {claim.name}; let `land` of its stream name a place of its own")
    return blob.arrival(clients.configuration.account_of(blob.container))


def _askers(claim: BatchClaim, messages: Sequence[HeldMessage]) -> list[Asker]:
    if claim.stream.answer is AnswerMode.BATCH:
        return [Asker(message=claim.name, session=claim.group, correlation=claim.name)]
    return [Asker(message=message.id, session=message.session, correlation=message.correlation) for message in messages]


async def _start(client: Client, clients: Clients, claim: BatchClaim, arrival: Arrival) -> str:
    """Start the run that the file's own event starts too. If that was first, answer the senders from its record."""
    inference = _inference(clients, claim, arrival)
    outcome = await start_inference(client, clients.hub, inference)
    if outcome is not Start.STARTED:
        await answer_late(client, clients.hub, inference, claim.name)
    return inference.run


def _inference(clients: Clients, claim: BatchClaim, arrival: Arrival) -> c.Inference:
    route, hub = clients.configuration.route(claim.stream.route), clients.configuration.hub
    captures = route.captures(arrival.location)
    if captures is None:
        raise Refused(f"route {route.name} does not take {arrival.location} any more; let `take` and `land` fit")
    return c.Inference.of(route, hub, arrival, captures, clients.clock.now().date().isoformat())


def _forget(clients: Clients, claim: BatchClaim, own: Sequence[str]) -> None:
    """Take the batch's own messages out of those that wait; their marks stay."""
    store, folder = clients.store, paths.held_records(claim.stream.name, claim.group)
    _each(lambda name: store.delete(f"{folder}{name}.json"), own)


def _content(clients: Clients, claim: BatchClaim, name: str) -> HeldMessage:
    path = f"{paths.held_records(claim.stream.name, claim.group)}{name}.json"
    message = clients.store.get(HeldMessage, path)
    if message is None:
        raise Transient(f"{path} is gone: somebody else has made a file of batch {claim.name}")
    return message


def _mark(clients: Clients, stream: Stream, name: str) -> UsedMessage | None:
    return clients.store.get(UsedMessage, _mark_path(stream, name))


def _mark_path(stream: Stream, name: str) -> str:
    return paths.used_message(stream.name, _message(name))


def _message(name: str) -> str:
    """The digest of the message's id; before it is the number that orders it."""
    return name.partition("-")[2]


def _each(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """A few at a time: each is a call of the hub."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))
