"""Starts: 202 with a status URL of our own, and the same answer to the same Idempotency-Key.

What will be started is decided and recorded first: whoever asks again, after a crash too, gets that and nothing else.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from shared.application.inference.open_runs import kept_open
from shared.clients import Clients
from shared.codec import decode, encode
from shared.contracts import RUN_INFERENCE, Inference, Orchestration
from shared.domain import identity
from shared.domain.failures import Refused
from shared.durable.starting import Client, Start, find_instance, start_once
from shared.records import paths as records
from shared.records.operations import KeyRecord
from shared.records.store import RecordStore, plain_record
from triggers.http.door import Call
from triggers.http.problems import Problem

API = "/api/v1"
K = TypeVar("K")
RETRY_AFTER_S = 2
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def followed(status_url: str) -> dict[str, str]:
    """The headers that say where to look, and when."""
    return {"Location": status_url, "Retry-After": str(RETRY_AFTER_S)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """What a door wants started: *instance* is chosen before anything happens, *resource* is what comes of it, below
    `/api/v1`. *fresh*: one that is there already is a 409. *unique*: the id was made by chance for this request.
    *note* tells the caller what was decided for them.
    """

    orchestration: Orchestration[Any, Any]
    instance: str
    payload: object
    resource: str = ""
    members: tuple[str, ...] = ()
    fresh: bool = False
    unique: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """*status_url* tells how it goes; *resource* is what comes of it, where that is known; *members* its parts.

    *note* says what was decided for the caller, such as the configuration that counts.
    """

    id: str
    status_url: str
    resource: str = ""
    members: tuple[str, ...] = ()
    note: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return followed(self.status_url)


class RepeatableAnswer:
    """An answer of something that was done, and is given again to the same Idempotency-Key."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecord:
    """A start as it is recorded under its caller's key; *request* is the digest of what was asked for."""

    request: str
    orchestration: str
    payload: Any
    accepted: Accepted


async def begin(call: Call, asked: str, decide: Callable[[], Awaitable[Starting]]) -> Accepted:
    """Start what *decide* says; *asked* is the digest of the request, for callers who send an Idempotency-Key."""
    path = _record_of_key(call)
    if not path:
        starting = await decide()
        order = _order(starting, asked)
        await _start(call, starting, order)
        return order.accepted
    known = await asyncio.to_thread(_read, call.clients.store, path, asked)
    return await (_repeat(call, known) if known else _first(call, path, asked, decide))


async def keep(call: Call, asked: str, kind: type[K], act: Callable[[], Awaitable[K]]) -> K:
    """What *act* gives, or gave to the same key. It may happen again, as after a crash, and has ids of its own."""
    path = _record_of_key(call)
    if not path:
        return await act()
    store = call.clients.store
    if not await asyncio.to_thread(store.create, path, KeyRecord(request=asked)):
        known = await asyncio.to_thread(_read, store, path, asked)
        if known is not None and known.answer is not None:
            return decode(kind, known.answer)
    try:
        given = await act()
    except (Problem, Refused):
        await asyncio.to_thread(store.delete, path)
        raise
    await asyncio.to_thread(_write_answer, store, path, KeyRecord(request=asked, answer=encode(given)))
    return given


def _record_of_key(call: Call) -> str:
    """Where the caller's key is remembered; empty where none came. Raises Problem."""
    key = call.req.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise Problem(400, "bad header", "Idempotency-Key must be 1 to 255 visible ASCII characters; send a UUID")
    return records.idempotent(identity.digest(call.caller.oid, key, length=32))


def _write_answer(store: RecordStore, path: str, record: KeyRecord) -> None:
    """Keep the answer. A request that is repeated at the same moment writes the same one."""
    if store.exists(path):
        store.overwrite(path, record)


async def _first(call: Call, path: str, asked: str, decide: Callable[[], Awaitable[Starting]]) -> Accepted:
    starting = await decide()
    if starting.fresh:
        await _refuse_there(call.client, starting)
    order = _order(starting, asked)
    store = call.clients.store
    if not await asyncio.to_thread(store.create, path, order):
        known = await asyncio.to_thread(_read, store, path, asked)
        if known is not None:  # Somebody sent the same key at the same moment.
            return await _repeat(call, known)
    # Never a clash: whoever repeats the request meanwhile may have started it.
    await _start(call, replace(starting, fresh=False, unique=False), order)
    return order.accepted


async def _repeat(call: Call, known: KeyRecord) -> Accepted:
    """The recorded answer; what was recorded and never started, since the app died in between, starts now."""
    order = decode(StartRecord, plain_record(known))
    orchestration, first = Orchestration(order.orchestration, object, object), _before(call.clients, order)
    await start_once(call.client, orchestration, order.accepted.id, order.payload, first=first)
    return order.accepted


def _before(clients: Clients, order: StartRecord) -> Callable[[], Awaitable[object]] | None:
    """What has to happen before the start: a run is on the list of open ones."""
    if order.orchestration != RUN_INFERENCE.name:
        return None
    return kept_open(clients.hub, decode(Inference, order.payload))


async def _refuse_there(client: Client, starting: Starting) -> None:
    there = await find_instance(client, starting.instance)
    if there is not None:
        raise _already(starting, Start.RUNNING if there.running else Start.FINISHED)


async def _start(call: Call, starting: Starting, order: StartRecord) -> None:
    how = await start_once(
        call.client,
        starting.orchestration,
        starting.instance,
        starting.payload,
        unique=starting.unique,
        first=_before(call.clients, order),
    )
    if starting.fresh and how is not Start.STARTED:
        raise _already(starting, how)


def _already(starting: Starting, how: Start) -> Problem:
    return Problem(409, "already done", f"{starting.instance} is {how.value}; look at that one instead")


def _order(starting: Starting, asked: str) -> StartRecord:
    accepted = Accepted(
        id=starting.instance,
        status_url=f"{API}/operations/{starting.instance}",
        resource=f"{API}/{starting.resource}" if starting.resource else "",
        members=starting.members,
        note=starting.note,
    )
    name, payload = starting.orchestration.name, encode(starting.payload)
    return StartRecord(request=asked, orchestration=name, payload=payload, accepted=accepted)


def _read(store: RecordStore, path: str, asked: str) -> KeyRecord | None:
    """What is remembered of a key. Raises Problem where it came with another request than *asked*."""
    known = store.get(KeyRecord, path)
    if known and known.request != asked:
        raise Problem(409, "key used before", "this Idempotency-Key came with another request; send a new key")
    return known


def request_digest(door: str, arguments: Mapping[str, Any]) -> str:
    """Of everything that a request asks for."""
    plain = {name: encode(value) for name, value in arguments.items()}
    return identity.digest(door, json.dumps(plain, sort_keys=True), length=64)
