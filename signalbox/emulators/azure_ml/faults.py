"""Faults on request: refused calls, connections cut after the effect, jobs that fail or hang."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultBox:
    """Set by POST /_faults.

    `requests` [{match, times, status, retry_after}], `jobs` [{match, mode}], `cut_after_effect`: a number.
    """

    def __init__(self) -> None:
        self._requests: list[dict[str, Any]] = []
        self._jobs: list[dict[str, Any]] = []
        self._cuts = 0

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/_faults", self._set)

    def job_mode(self, name: str) -> str:
        """`fail`, `hang`, or nothing."""
        return next((fault["mode"] for fault in self._jobs if fault["match"] in name), "")

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
            refused = self._refusal(request.path)
            if refused is not None:
                return refused
            response = await handler(request)
            if self._cuts and request.method == "POST" and request.path.startswith("/batch/"):
                self._cuts -= 1
                assert request.transport is not None
                request.transport.abort()
            return response

        return faulty

    async def _set(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._requests = body.get("requests", [])
        self._jobs = body.get("jobs", [])
        self._cuts = body.get("cut_after_effect", 0)
        return web.json_response({})

    def _refusal(self, path: str) -> web.Response | None:
        for fault in self._requests:
            if fault["match"] in path and fault["times"] > 0 and not path.startswith("/_"):
                fault["times"] -= 1
                body = {"error": {"code": "Fault", "message": "asked for by a test"}}
                headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
                return web.json_response(body, status=fault["status"], headers=headers)
        return None
