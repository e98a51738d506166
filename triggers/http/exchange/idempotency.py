"""Starts: 202 with a status URL of our own, and the same answer to the same Idempotency-Key.

The start is decided and recorded before it happens: a repeated request, even after a crash, gets the same one.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from shared import contracts
from shared.application.starts import start
from shared.codec import decode, encode
from shared.contracts import Orchestration
from shared.domain import identity
from shared.domain.failures import Refused
from shared.durable.starting import Client, Start, find_instance
from shared.records import paths as records
from shared.records.operations import KeyRecord
from shared.records.store import RecordStore
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem

API = "/api/v1"
K = TypeVar("K")
RETRY_AFTER_S = 2
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def polling_headers(status_url: str) -> dict[str, str]:
    """The headers that say where to look, and when."""
    return {"Location": status_url, "Retry-After": str(RETRY_AFTER_S)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedStart:
    """What a handler wants started: *instance* is chosen before anything happens, *resource* is what comes of it, below
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
        return polling_headers(self.status_url)


class RepeatableAnswer:
    """An answer of something that was done, and is given again to the same Idempotency-Key."""

    __slots__ = ()


async def begin(request: ApiRequest, digest: str, decide: Callable[[], Awaitable[RequestedStart]]) -> Accepted:
    """Start what *decide* returns; *digest* is the request's, for callers who send an Idempotency-Key."""
    path = _record_of_key(request)
    if not path:
        start_request = await decide()
        await _start(request, start_request)
        return _accepted(start_request)
    key_record = await asyncio.to_thread(_read, request.clients.store, path, digest)
    return await (_repeat(request, key_record) if key_record else _first(request, path, digest, decide))


async def keep(request: ApiRequest, digest: str, kind: type[K], act: Callable[[], Awaitable[K]]) -> K:
    """What *act* returns, or returned to the same key. After a crash it may happen again, by its own ids."""
    path = _record_of_key(request)
    if not path:
        return await act()
    store = request.clients.store
    if not await asyncio.to_thread(store.create, path, KeyRecord(request=digest)):
        key_record = await asyncio.to_thread(_read, store, path, digest)
        if key_record is not None and key_record.answer is not None:
            return decode(kind, key_record.answer)
    try:
        response = await act()
    # A refusal is no result: with a corrected body, or once an approval is there, the same key may be used again. A
    # transient fault leaves the record, since the act may have happened; it then happens again under the same ids.
    except (Problem, Refused):
        await asyncio.to_thread(store.delete, path)
        raise
    await asyncio.to_thread(_write_answer, store, path, KeyRecord(request=digest, answer=encode(response)))
    return response


def _record_of_key(request: ApiRequest) -> str:
    """Where the caller's key is remembered; empty where none came. Raises Problem."""
    key = request.http.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise Problem(400, "bad header", "Idempotency-Key must be 1 to 255 visible ASCII characters; send a UUID")
    # The caller is part of the record's name. Otherwise a guessed key would show one caller the answer of another.
    return records.idempotent(identity.digest(request.caller.oid, key, length=32))


def _write_answer(store: RecordStore, path: str, key_record: KeyRecord) -> None:
    """Record the answer under the key. Two requests with one key at the same moment write the same."""
    # The other request with this key may have been refused and have removed the record, so that the key may be used
    # again. It is not brought back.
    if store.exists(path):
        store.overwrite(path, key_record)


async def _first(
    request: ApiRequest, path: str, digest: str, decide: Callable[[], Awaitable[RequestedStart]]
) -> Accepted:
    start_request = await decide()
    if start_request.fresh:
        await _refuse_existing(request.client, start_request)
    # The start is recorded before it happens. After a crash in between, the same key starts what was recorded.
    response, store = _accepted(start_request), request.clients.store
    record = KeyRecord(
        request=digest,
        orchestration=start_request.orchestration.name,
        payload=encode(start_request.payload),
        accepted=encode(response),
    )
    if not await asyncio.to_thread(store.create, path, record):
        key_record = await asyncio.to_thread(_read, store, path, digest)
        if key_record is not None:  # Another request sent the same key at the same moment.
            return await _repeat(request, key_record)
    # A repeated request may have started it in between, which is no clash.
    await _start(request, replace(start_request, fresh=False, unique=False))
    return response


async def _repeat(request: ApiRequest, key_record: KeyRecord) -> Accepted:
    """The recorded answer; what was recorded and never started, since the app died in between, starts now."""
    response = decode(Accepted, key_record.accepted)
    orchestration = getattr(contracts, str(key_record.orchestration).upper())
    payload = decode(orchestration.takes, key_record.payload)
    # Starting again does nothing if the instance is there: the start looks for it, and the orchestration's first effect
    # is conditional.
    await start(request.client, request.clients, orchestration, response.id, payload)
    return response


async def _refuse_existing(client: Client, start_request: RequestedStart) -> None:
    instance = await find_instance(client, start_request.instance)
    if instance is not None:
        raise _clash(start_request, Start.RUNNING if instance.running else Start.FINISHED)


async def _start(request: ApiRequest, start_request: RequestedStart) -> None:
    outcome = await start(
        request.client,
        request.clients,
        start_request.orchestration,
        start_request.instance,
        start_request.payload,
        unique=start_request.unique,
    )
    if start_request.fresh and outcome is not Start.STARTED:
        raise _clash(start_request, outcome)


def _clash(start_request: RequestedStart, outcome: Start) -> Problem:
    return Problem(409, "already done", f"{start_request.instance} is {outcome.value}; look at that one instead")


def _accepted(start_request: RequestedStart) -> Accepted:
    return Accepted(
        id=start_request.instance,
        status_url=f"{API}/operations/{start_request.instance}",
        resource=f"{API}/{start_request.resource}" if start_request.resource else "",
        members=start_request.members,
        note=start_request.note,
    )


def _read(store: RecordStore, path: str, digest: str) -> KeyRecord | None:
    """What is remembered of a key. Raises Problem where it came with a request of another *digest*."""
    key_record = store.get(KeyRecord, path)
    if key_record and key_record.request != digest:
        raise Problem(409, "key used before", "this Idempotency-Key came with another request; send a new key")
    return key_record


def request_digest(operation: str, arguments: Mapping[str, Any]) -> str:
    """The digest of everything that a request asks for."""
    plain = {name: encode(value) for name, value in arguments.items()}
    return identity.digest(operation, json.dumps(plain, sort_keys=True), length=64)
