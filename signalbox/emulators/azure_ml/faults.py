"""Faults on request: refused calls, connections cut before or after the effect, jobs that fail or hang."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class _Rule:
    """Requests whose "METHOD path" has *match* in it (a regular expression): the *nth* of them, or every one.

    They fail *when* the effect has not happened (`before`) or has (`after`): with *status*, or else by a closed line;
    *retry_after* is in seconds.
    """

    match: str
    nth: int | None = None
    when: str = "before"
    status: int | None = None
    retry_after: int | None = None
    requests: int = 0

    def strikes(self, request: web.Request) -> bool:
        if not re.search(self.match, f"{request.method} {request.path}"):
            return False
        self.requests += 1
        return self.nth in (None, self.requests)


class FaultBox:
    """Set by POST /_faults, which forgets what was set before.

    `requests` [{match, times, status, retry_after}], `rules` [{match, nth, when, status, retry_after}],
    `jobs` [{match, mode}], `cut_after_effect`: a number.
    """

    def __init__(self) -> None:
        self._requests: list[dict[str, Any]] = []
        self._rules: list[_Rule] = []
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
            if request.path.startswith("/_"):
                return await handler(request)
            refusal = self._refusal(request.path)
            if refusal is not None:
                return refusal
            rule = next((rule for rule in self._rules if rule.strikes(request)), None)
            if rule and rule.when == "before":
                return _fail(request, rule)
            response = await handler(request)
            if rule:
                return _fail(request, rule)
            return self._cut(request, response)

        return faulty

    async def _set(self, request: web.Request) -> web.Response:
        body = await request.json()
        self._requests = body.get("requests", [])
        self._rules = [_Rule(**rule) for rule in body.get("rules", [])]
        self._jobs = body.get("jobs", [])
        self._cuts = body.get("cut_after_effect", 0)
        return web.json_response({})

    def _cut(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if self._cuts and request.method == "POST" and request.path.startswith("/batch/"):
            self._cuts -= 1
            _abort(request)
        return response

    def _refusal(self, path: str) -> web.Response | None:
        for fault in self._requests:
            if fault["match"] in path and fault["times"] > 0:
                fault["times"] -= 1
                headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
                return web.json_response(_SAID, status=fault["status"], headers=headers)
        return None


_SAID = {"error": {"code": "Fault", "message": "asked for by a test"}}


def _fail(request: web.Request, rule: _Rule) -> web.Response:
    if rule.status is None:
        _abort(request)
    headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
    return web.json_response(_SAID, status=rule.status or 500, headers=headers)


def _abort(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()
