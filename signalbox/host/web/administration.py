"""The host's home page and its administration API under `/admin`, for callers with the master key.

Source: HomeController, HostController, KeysController and FunctionsController of azure-functions-host. Keys can be read
and not changed, because they lie in `keys.json`.
"""

from __future__ import annotations

import asyncio
import json
import platform
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from signalbox.host.functions import Function
from signalbox.host.triggers.http import Endpoint
from signalbox.host.web.access import Access

_VERSION = "4.0.0.0"  # Of the Functions runtime that this host stands in for.
_HOME = "<!DOCTYPE html><title>Functions host</title><h1>Your Functions host is up and running</h1>"
_NO_STORE = {"Cache-Control": "no-store"}

Run = Callable[[Function, str | None], Awaitable[object]]
"""Calls one function with the text that an administrator sent in the place of its trigger's data."""

_Handler = Callable[[web.Request], Awaitable[web.Response]]


class Administration:
    """Handlers of `/` and `/admin`."""

    def __init__(
        self, functions: Mapping[str, Function], endpoints: Mapping[str, Endpoint], access: Access, run: Run, name: str
    ) -> None:
        """*name* is the host's id, which the status shows."""
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._endpoints = endpoints
        self._access = access
        self._run = run
        self._name = name
        self._began = time.monotonic()
        self._calls: set[asyncio.Future[object]] = set()

    def routes(self, *, home: bool) -> list[web.RouteDef]:
        """Every route; *home* says whether `/` shows a page or, as `AzureWebJobsDisableHomepage` asks, nothing.

        A function of the app whose route is `/` comes before the page.
        """
        keys, function = "/admin/host/{scope:(?i:keys|functionkeys|systemkeys)}", "/admin/functions/{name}"
        guarded: list[tuple[str, str, _Handler]] = [
            ("GET", "/admin/host/status", self._status),
            ("GET", keys, self._list_keys),
            ("GET", keys + "/{key}", self._show_key),
            ("GET", "/admin/functions", self._list_functions),
            ("GET", function, self._show_function),
            ("POST", function, self._invoke),
        ]
        at_root = any("GET" in each.methods and each.route.match("") is not None for each in self._endpoints.values())
        return [
            *([] if at_root else [web.get("/", self._home if home else self._no_home)]),
            web.get("/admin/host/ping", self._ping),
            web.post("/admin/host/ping", self._ping),
            *(web.route(method, path, self._guard(handler)) for method, path, handler in guarded),
        ]

    def stop(self) -> None:
        for call in self._calls:
            call.cancel()

    def _guard(self, handler: _Handler) -> _Handler:
        async def guarded(request: web.Request) -> web.Response:
            if not self._access.admits(request):
                return web.Response(status=401)
            return await handler(request)

        return guarded

    async def _home(self, _request: web.Request) -> web.Response:
        return web.Response(text=_HOME, content_type="text/html")

    async def _no_home(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _ping(self, _request: web.Request) -> web.Response:
        return web.Response(headers=_NO_STORE)

    async def _status(self, _request: web.Request) -> web.Response:
        uptime = int((time.monotonic() - self._began) * 1000)
        status = {"id": self._name, "state": "Running", "version": _VERSION, "versionDetails": _VERSION}
        return web.json_response({**status, "computerName": platform.node(), "processUptime": uptime})

    async def _list_keys(self, request: web.Request) -> web.Response:
        keys = [{"name": name, "value": value} for name, value in self._keys(request).items()]
        return web.json_response({"keys": keys, "links": [{"rel": "self", "href": str(request.url.with_query(None))}]})

    async def _show_key(self, request: web.Request) -> web.Response:
        keys = {name.lower(): (name, value) for name, value in self._keys(request).items()}
        if request.match_info["scope"].lower() == "systemkeys":
            keys["_master"] = "_master", self._access.keys.master
        key = keys.get(request.match_info["key"].lower())
        return web.Response(status=404) if key is None else web.json_response({"name": key[0], "value": key[1]})

    def _keys(self, request: web.Request) -> dict[str, str]:
        keys = self._access.keys
        if request.match_info["scope"].lower() == "systemkeys":
            return {
                "blobs_extension": keys.blobs_extension,
                "durabletask_extension": keys.durabletask_extension,
                "eventgrid_extension": keys.eventgrid_extension,
            }
        return {"default": keys.default}

    async def _list_functions(self, request: web.Request) -> web.Response:
        return web.json_response([self._describe(function, request) for function in self._functions.values()])

    async def _show_function(self, request: web.Request) -> web.Response:
        function = self._functions.get(request.match_info["name"].lower())
        return web.Response(status=404) if function is None else web.json_response(self._describe(function, request))

    def _describe(self, function: Function, request: web.Request) -> dict[str, Any]:
        base, endpoint = request.url.origin(), self._endpoints.get(function.name)
        invoke_url = None if endpoint is None else f"{base}/{endpoint.route.template}"
        return {
            "name": function.name,
            "href": f"{base}/admin/functions/{function.name}",
            "config": {"bindings": [dict(function.trigger), *(dict(binding) for binding in function.bindings)]},
            "invoke_url_template": invoke_url,
            "language": "python",
            "isDisabled": False,
        }

    async def _invoke(self, request: web.Request) -> web.Response:
        """Start the function and answer at once, as the real host does; the log says how the call ended."""
        if request.content_type != "application/json":
            return web.Response(status=415)
        try:
            invocation = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="the body is not JSON")
        if not isinstance(invocation, dict):
            return web.Response(status=400, text='the body must be a JSON object such as {"input": "text"}')
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            return web.Response(status=404)
        given = invocation.get("input")
        text = given if given is None or isinstance(given, str) else json.dumps(given)
        call = asyncio.ensure_future(_settle(self._run(function, text)))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return web.Response(status=202)


async def _settle(call: Awaitable[object]) -> object:
    """Wait for *call* whatever becomes of it: the invoker has logged its failure."""
    return await asyncio.gather(call, return_exceptions=True)
