"""Calls the app's functions through Microsoft's worker library, and reads its answers as the SDK writes ours."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from signalbox.host.bindings import Beside, ClientBinding, PastError, Results, TraceContext
from signalbox.host.containment import describe
from signalbox.host.durable.functions import orchestrator_functions
from signalbox.host.functions import Function
from signalbox.host.log import log_invocation
from signalbox.host.streaming.relay import relay
from signalbox.host.triggers.http import to_datum
from signalbox.host.web.responses import cookie_lines
from signalbox.host.workers.crew import Crew, Member, RemoteSession, revived
from signalbox.host.workers.microsoft.spawner import Spawner
from signalbox.host.workers.worker import Failure


class LibraryCrew(Crew):
    """A crew whose workers are Microsoft's."""

    _grace = timedelta(0)  # Its workers leave `functionTimeout` to the host, which ends them, as on Azure.

    def __init__(self, spawner: Spawner, client: ClientBinding, timeout: timedelta | None, size: int) -> None:
        super().__init__(spawner, client, timeout, size)
        self._spawner, self._ids = spawner, spawner.ids
        self._orchestrators = orchestrator_functions(spawner.functions.values())

    async def _call(self, function: Function, *details: Any) -> Any:
        return await self._performed(await self._choose(), function, str(uuid.uuid4()), *details)

    async def _performed(
        self,
        member: Member,
        function: Function,
        invocation: str,
        data: Datum,
        headers: Mapping[str, str],
        instance: str = "-",
        metadata: Mapping[str, Datum] | None = None,
        beside: Beside | None = None,
    ) -> Any:
        start, beside = time.perf_counter(), beside or Beside()
        trace = TraceContext(headers)
        order = {
            "invocation": invocation,
            "id": self._ids[function.name],
            "inputs": list(self._inputs(function, data, beside)),
            "metadata": {name: wire(value) for name, value in (metadata or {}).items()},
            "trace": (trace.trace_parent, trace.trace_state),
            "retry": (beside.retry.retry_count, beside.retry.max_retry_count, _fields(beside.retry.exception)),
        }
        try:
            answer = await self._ask(member, "call", function.name, order, limit=self._limit)
            result = _read(function, answer)
        except Exception as error:
            detail = f"invocation={invocation} error={describe(error)}"
            log_invocation(function.name, "failed", time.perf_counter() - start, instance, detail, error)
            raise
        log_invocation(function.name, "succeeded", time.perf_counter() - start, instance, f"invocation={invocation}")
        return result

    async def stream(
        self, function: Function, request: web.Request, parameters: Mapping[str, str]
    ) -> web.StreamResponse:
        """The library learns of the call from the host, and of the request from its own server."""
        member, invocation = await self._choose(), str(uuid.uuid4())
        call = self._performed(member, function, invocation, to_datum(request, parameters, b""), request.headers)
        return await relay(request, self._spawner.address(member.pid), invocation, call)

    def _open(self, name: str, context: str) -> tuple[RemoteSession | None, str]:
        """The library keeps no orchestrator in memory, so each step replays the whole history, as on Azure."""
        call = self._call(self._orchestrators[name], Datum(context, "json"), {}, "-", {}, Beside())
        return None, asyncio.run_coroutine_threadsafe(call, self._loop).result()

    def _inputs(self, function: Function, data: Datum, beside: Beside) -> Iterator[tuple[str, tuple[str, Any] | None]]:
        yield function.argument, wire(data)
        for binding in function.bindings:
            if binding["type"] == "durableClient":
                yield str(binding["name"]), ("string", self._client())
        for name, datum in beside.inputs.items():
            yield name, None if datum is None else wire(datum)


def _fields(error: PastError | None) -> dict[str, str] | None:
    return None if error is None else asdict(error)


def wire(datum: Datum) -> tuple[str, Any]:
    """A kind of the protocol's TypedData, and its value without any class of the SDK."""
    match datum.type:
        case "http":
            fields = {name: _plain(part) for name, part in datum.value.items() if name != "body"}
            return "http", {**fields, "body": wire(datum.value["body"])}
        case "collection_bytes":
            return "collection_bytes", list(datum.value.bytes)
        case "string" | "bytes" | "json":
            return datum.type, datum.value
    return "json", json.dumps(datum.value)  # The real host sends numbers so.


def _plain(part: Datum | Mapping[str, Datum]) -> Any:
    return part.value if isinstance(part, Datum) else {name: value.value for name, value in part.items()}


def _read(function: Function, answer: tuple[Any, ...]) -> Any:
    """The answer as `Invoker.answer` gives it. Raises a RemoteError with the app's own error."""
    outcome, value, more = answer
    if outcome == "error":
        name, _, text = value.partition(": ")
        raise revived(Failure(kind=name, text=text, trace=more))
    outputs = {name: data for name, data in {"$return": value, **more}.items() if data is not None}
    if function.output is not None:
        value = more.get(function.output) or value
    encoded = None if value is None else _response(*value) if function.kind == "httpTrigger" else value[1]
    if not function.outputs:
        return encoded
    names = {str(binding["name"]) for binding in function.outputs}
    data = {name: Datum(content, kind) for name, (kind, content) in outputs.items() if name in names}
    return Results(answer=encoded, outputs=data)


def _response(kind: str, value: Any) -> Datum:
    """The HTTP response as the SDK's converter writes it."""
    if kind != "http":
        return Datum(value, kind)
    _, body = value["body"] or ("bytes", b"")
    return Datum(
        {
            "status_code": Datum(str(value["status"]), "string"),
            "headers": {name: Datum(text, "string") for name, text in value["headers"].items()},
            "cookies": cookie_lines(SimpleCookie(cookie) for cookie in value["cookies"]),
            "body": Datum(body, "bytes"),
        },
        "http",
    )
