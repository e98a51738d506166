"""Outages on order: requests whose path and method match are answered with a status until the order is withdrawn."""

import re
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Handler, Refusal
from signalbox.emulators.azure_devops.store import Store


class Outage:
    """In memory only: a restart ends it. Refused requests are counted by method."""

    def __init__(self, store: Store) -> None:
        self._store, self._now = store, dict[str, Any]()

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/_control/outage", self._order)

    async def _order(self, request: web.Request) -> web.Response:
        """`{status, path, method, retry_after}`, *path* a regular expression; `{}` ends it."""
        self._now = await request.json()
        return web.json_response(self._now)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def failing(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._hits(request):
                return await handler(request)
            self._store.count("turned away", request.method)
            answer = Refusal(int(self._now["status"]), "TF400733: The request has been canceled.").response()
            if self._now.get("retry_after"):
                answer.headers["Retry-After"] = str(self._now["retry_after"])
            return answer

        return failing

    def _hits(self, request: web.Request) -> bool:
        if not self._now or request.path.startswith("/_control/"):
            return False
        method = self._now.get("method", request.method)
        return method == request.method and bool(re.search(self._now.get("path", ""), request.path))
