"""HTTP triggers: find the function for a request, check its key, and convert request and response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web
from azure.functions.meta import Datum

from signalbox.host.functions import Function
from signalbox.host.invocation import Calls
from signalbox.host.log import LOGGER
from signalbox.host.triggers.routes import Route, compile_route
from signalbox.host.web.access import Access
from signalbox.host.web.responses import to_response

_ALL_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One HTTP-triggered function with its route and methods."""

    function: Function
    route: Route
    methods: frozenset[str]
    auth_level: str


def endpoint(function: Function, prefix: str) -> Endpoint:
    """Read an httpTrigger binding. Raises HostError on a route it cannot read."""
    trigger = function.trigger
    template = trigger.get("route")
    path = function.name if template is None else str(template)
    methods = frozenset(str(method).upper() for method in trigger.get("methods") or _ALL_METHODS)
    return Endpoint(
        function=function,
        route=compile_route(f"{prefix}/{path}" if prefix else path),
        methods=methods,
        auth_level=str(trigger.get("authLevel") or "function").lower(),
    )


class HttpTriggers:
    """Serves every HTTP-triggered function."""

    def __init__(
        self, endpoints: Iterable[Endpoint], access: Access, invoker: Calls, *, are_streams: bool = False
    ) -> None:
        """*are_streams* says that the functions take requests of the http-fastapi extension."""
        self._endpoints = sorted(endpoints, key=lambda endpoint: endpoint.route.rank)
        self._access = access
        self._invoker = invoker
        self._are_streams = are_streams

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """404 for no route with this method, 401 without the key, 500 when the function fails."""
        # Still encoded: a `%2F` within a parameter separates no segments.
        path = request.rel_url.raw_path.lstrip("/")
        for endpoint in self._endpoints:
            # The method belongs to the route, so that a wrong one is a 404, as on Azure.
            if request.method in endpoint.methods and (parameters := endpoint.route.match(path)) is not None:
                return await self._serve(endpoint, parameters, request)
        return web.Response(status=404)

    async def _serve(self, endpoint: Endpoint, parameters: dict[str, str], request: web.Request) -> web.StreamResponse:
        if not self._admits(endpoint, request):
            return web.Response(status=401)
        if self._are_streams:
            return await self._stream(endpoint, parameters, request)
        data = to_datum(request, parameters, await request.read())
        try:
            datum = await self._invoker.answer(endpoint.function, data, request.headers)
            # Without an answer the function has neither set its output parameter nor returned anything.
            return web.Response(status=204) if datum is None else to_response(datum)
        except Exception:
            return web.Response(status=500)

    async def _stream(self, endpoint: Endpoint, parameters: dict[str, str], request: web.Request) -> web.StreamResponse:
        try:
            return await self._invoker.stream(endpoint.function, request, parameters)
        except Exception:
            LOGGER.exception("function=%s cannot be called", endpoint.function.name)
            return web.Response(status=500)

    def _admits(self, endpoint: Endpoint, request: web.Request) -> bool:
        if endpoint.auth_level == "anonymous":
            return True
        keys = () if endpoint.auth_level == "admin" else (self._access.keys.default,)
        return self._access.admits(request, *keys)


def to_datum(request: web.Request, parameters: Mapping[str, str], body: bytes) -> Datum:
    """The trigger data of *request*."""
    value = {
        "method": Datum(request.method, "string"),
        "url": Datum(str(request.url), "string"),
        "headers": _strings(request.headers),
        "query": {name: value for name, value in _strings(request.query).items() if value.value},
        "params": _strings(parameters),
        "body": Datum(body, "bytes"),
    }
    return Datum(value, "http")


def _strings(pairs: Mapping[str, str]) -> dict[str, Datum]:
    """A name that comes several times has one value, joined by commas, as the real host hands it over."""
    values: dict[str, list[str]] = {}
    for name, value in pairs.items():
        values.setdefault(name, []).append(value)
    return {name: Datum(",".join(parts), "string") for name, parts in values.items()}
