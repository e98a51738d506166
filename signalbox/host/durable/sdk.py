"""What the SDK asks of its host, answered without a detour: its client's calls never leave the process.

Its client sends HTTP to the host, which is this process: a connection, a parser and two turns of the loop for each look
at an instance. The same handlers answer here; the SDK knows no difference.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextvars import Context
from functools import lru_cache
from importlib import import_module
from types import TracebackType
from typing import Any, cast

from aiohttp import web
from azure.durable_functions.models.utils import http_utils
from yarl import URL


class LocalSession:
    """Stands in for the `aiohttp.ClientSession` of the SDK's client, for every host in this process."""

    closed = False

    def __init__(self) -> None:
        self._routers: dict[str, web.UrlDispatcher] = {}

    def serve(self, base: str, routes: Iterable[web.RouteDef]) -> None:
        """Answer what is sent below the address *base* by *routes*."""
        router = web.UrlDispatcher()
        for route in routes:
            route.register(router)
        self._routers[base] = router

    def forget(self, base: str) -> None:
        self._routers.pop(base, None)

    def get(self, url: str, **_: object) -> Exchange:
        return self._exchange("GET", url)

    def delete(self, url: str, **_: object) -> Exchange:
        return self._exchange("DELETE", url)

    def post(self, url: str, json: Any, **_: object) -> Exchange:
        return self._exchange("POST", url, json)

    async def close(self) -> None:
        """The SDK closes what it believes to be a connection."""

    def _exchange(self, method: str, url: str, body: Any = None) -> Exchange:
        router = next((router for base, router in self._routers.items() if url.startswith(base)), None)
        if router is None:
            raise ConnectionError(f"no host of this process answers {url.partition('?')[0]}: it has stopped")
        return Exchange(router, LocalRequest(method, URL(url), body))


class LocalRequest:
    """As much of an `aiohttp.web.Request` as the handlers of the Durable HTTP API read."""

    def __init__(self, method: str, url: URL, body: Any) -> None:
        self.method, self.url, self.rel_url, self.query = method, url, url, url.query
        self.match_info: Mapping[str, Any] = {}
        self.headers = dict[str, str]()
        self.content_type = "application/octet-stream" if body is None else "application/json"
        self._body = body

    async def text(self) -> str:
        return "" if self._body is None else json.dumps(self._body)


class Exchange:
    """One request and its response, as `async with session.get(...) as response` uses them."""

    def __init__(self, router: web.UrlDispatcher, request: LocalRequest) -> None:
        self._router, self._request = router, request

    async def __aenter__(self) -> Exchange:
        """In a context of its own: what is started here must not take the caller's for its own."""
        self._response = await asyncio.get_running_loop().create_task(self._answer(), context=Context())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @property
    def status(self) -> int:
        return self._response.status

    async def json(self, **_: object) -> Any:
        text = self._response.text
        return json.loads(text) if text else None

    async def _answer(self) -> web.Response:
        request = cast(web.Request, self._request)
        found = await self._router.resolve(request)
        self._request.match_info = found
        return cast(web.Response, await found.handler(request))


SESSION = LocalSession()
_parse = lru_cache(65_536)(import_module("dateutil.parser").parse)


def install() -> None:
    """Let the SDK's client use `SESSION`; and read a moment's text once, not at every look and every replay."""
    http_utils._client_session = SESSION
    for name in ("history.HistoryEvent", "DurableOrchestrationStatus"):
        vars(import_module(f"azure.durable_functions.models.{name}"))["dt_parse"] = _parse
