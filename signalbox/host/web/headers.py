"""Headers that host.json and local.settings.json add to answers: custom ones, and those by which a browser lets other
sites' pages call the app.

Source: CustomHttpHeadersMiddleware of azure-functions-host; the CORS policy of azure-functions-core-tools.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from signalbox.host.settings import CrossOrigin


def add_headers(application: web.Application, headers: Mapping[str, str], cross_origin: CrossOrigin) -> None:
    """Have *application* add *headers* where a function has not set them, and answer calls from other origins."""
    if headers:

        async def add(_request: web.Request, response: web.StreamResponse) -> None:
            for name, value in headers.items():
                response.headers.setdefault(name, value)

        application.on_response_prepare.append(add)
    if cross_origin.origins:

        async def allow(request: web.Request, response: web.StreamResponse) -> None:
            response.headers.update(_allowance(request.headers.get("Origin"), cross_origin))

        application.on_response_prepare.append(allow)
        application.middlewares.append(_middleware(cross_origin))


def _middleware(allowed: CrossOrigin) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=_preflight(request, allowed))
        return await handler(request)

    return answer


def _allowance(origin: str | None, allowed: CrossOrigin) -> dict[str, str]:
    """What a browser must read to hand an answer to a page of *origin*; nothing where the page may not have it."""
    if origin is None or not allowed.origins & {"*", origin}:
        return {}
    headers = {"Access-Control-Allow-Origin": "*" if "*" in allowed.origins else origin}
    if "*" not in allowed.origins:
        headers["Vary"] = "Origin"
    if allowed.credentials:
        headers["Access-Control-Allow-Credentials"] = "true"
    return headers


def _preflight(request: web.Request, allowed: CrossOrigin) -> dict[str, str]:
    if not _allowance(request.headers.get("Origin"), allowed):
        return {}
    asked = {"Access-Control-Allow-Methods": request.headers["Access-Control-Request-Method"]}
    if names := request.headers.get("Access-Control-Request-Headers"):
        asked["Access-Control-Allow-Headers"] = names
    return asked
