"""Functions that take a request of the extension and answer with a response of it, both of which may be streams.

On Azure the worker serves HTTP itself, with the application of the extension, and the host passes each request on. Here
the same application is called as ASGI has it. Source: `http_v2.py` of Microsoft's azure-functions-runtime.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from signalbox.host.containment import containing, describe
from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.log import LOGGER

_BASE = "azurefunctions.extensions.base"
_CALL = "signalbox.call"
_LOOK_S = 0.1
Call = Callable[[Any], Awaitable[Any]]
"""Calls a function with a request of the extension; its result is what FastAPI makes an answer of."""


def is_request_type(annotation: Any) -> bool:
    """Whether *annotation* is the type of the extension's requests. An app that has it has imported it."""
    base = sys.modules.get(_BASE)
    return base is not None and base.RequestTrackerMeta.check_type(annotation) is True


def uses_streams(functions: Iterable[Function]) -> bool:
    """Whether an app with these functions has the extension; then every HTTP function of it gets such requests. Raises
    HostError where one of them has a binding that this host does not serve beside them."""
    functions = [function for function in functions if function.kind == "httpTrigger"]
    if not any(is_request_type(function.annotation) for function in functions):
        return False
    for function in functions:
        for binding in (*function.inputs, *function.outputs):
            raise HostError(
                f"function {function.name!r} has binding {binding['name']!r}, which this host does not serve beside "
                "requests of azurefunctions-extensions-http-fastapi: use an SDK client in the function instead"
            )
    return True


class StreamBridge:
    """Serves requests with the application of the extension that the app has imported."""

    def __init__(self) -> None:
        base = sys.modules[_BASE]
        extension = importlib.import_module(base.ModuleTrackerMeta.get_module())
        self._synchronizer = base.RequestTrackerMeta.get_synchronizer()
        application = extension.WebApp()

        async def catch_all(request: Any) -> Any:
            return await request.scope[_CALL](request)

        catch_all.__annotations__ = {"request": base.RequestTrackerMeta.get_request_type()}
        application.route(catch_all)
        self._application = application.get_app()

    async def serve(
        self, name: str, request: web.Request, parameters: Mapping[str, str], call: Call
    ) -> web.StreamResponse:
        """Answer *request* with what *call* of the function *name* gives."""
        exchange = _Exchange(request)

        async def with_parameters(given: Any) -> Any:
            self._synchronizer.sync_route_params(given, parameters)
            if (result := await call(given)) is None:
                raise TypeError(f"function {name!r} returned None, which is no HTTP response")
            return result

        try:
            with containing(name, cancellable=True):
                scope = {**_scope(request), _CALL: with_parameters}
                await self._application(scope, exchange.receive, exchange.send)
        except Exception as error:
            # FastAPI has answered 500 for an error of the function, and raises it all the same.
            if not exchange.is_complete:
                LOGGER.error("function=%s has not finished its answer: %s", name, describe(error))
        return exchange.finish()


class _Exchange:
    """One request and its answer, as an ASGI application reads and writes them."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None
        self._is_read = False
        self.is_complete = False

    async def receive(self) -> dict[str, Any]:
        if not self._is_read:
            try:
                chunk = await self._request.content.readany()
            except (web.PayloadAccessError, ConnectionError):
                return {"type": "http.disconnect"}
            self._is_read = self._request.content.at_eof()
            return {"type": "http.request", "body": chunk, "more_body": not self._is_read}
        while self._request.transport is not None and not self._request.transport.is_closing():
            await asyncio.sleep(_LOOK_S)
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._response = web.StreamResponse(status=message["status"])
            for name, value in message["headers"]:
                self._response.headers.add(name.decode("latin-1"), value.decode("latin-1"))
            await self._response.prepare(self._request)
            return
        assert self._response is not None
        if body := message.get("body"):
            await self._response.write(body)
        if not message.get("more_body"):
            await self._response.write_eof()
            self.is_complete = True

    def finish(self) -> web.StreamResponse:
        """The answer; one that broke off ends with its connection, so that no caller takes it for whole."""
        if self._response is None:
            return web.Response(status=500)
        if not self.is_complete and self._request.transport is not None:
            self._request.transport.abort()
        return self._response


def _scope(request: web.Request) -> dict[str, Any]:
    url = request.rel_url
    return {
        "type": "http",
        "asgi": {
            "version": "3.0",
            "spec_version": "2.4",
        },  # From 2.4 on a client that has gone is an OSError of `send`.
        "http_version": f"{request.version.major}.{request.version.minor}",
        "method": request.method,
        "scheme": request.scheme,
        "path": url.path,
        "raw_path": url.raw_path.encode(),
        "query_string": url.raw_query_string.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": (request.remote, 0),
        "server": None,
    }
