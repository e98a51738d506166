"""What a service does not serve is answered at once, with 501 and a sentence: 404 would say that something is gone.

It stands alone, because several services use it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def unserved(service: str) -> Any:
    """A middleware that answers so for the paths and methods that *service* has no door for."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            return await handler(request)
        place = request.path.rpartition("/providers/")[2]  # What lies before it is the same for all of a workspace.
        message = f"The local {service} does not serve {request.method} {place}; docs/local-cloud.md says what it does."
        own = {"error": {"code": "NotImplemented", "message": message}}
        of_mlflow = {"error_code": "NOT_IMPLEMENTED", "message": message}
        return web.json_response({**own, **of_mlflow}, status=501)

    return answer
