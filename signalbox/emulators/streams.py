"""What proxies between HTTP servers share: headers that belong to one connection, and answers passed on in chunks."""

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

CHUNK = 256 * 1024
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-connection",
}


def end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers that are for the other end, not for this connection (RFC 9110, 7.6.1)."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)


async def pass_on(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, headers: CIMultiDict[str] | None = None
) -> web.StreamResponse:
    """Answer *request* with *answer* as it comes, with its own end-to-end headers or with *headers*."""
    response = web.StreamResponse(
        status=answer.status,
        reason=answer.reason,
        headers=end_to_end(answer.headers) if headers is None else headers,
    )
    if "Content-Length" in answer.headers and request.method != "HEAD":
        response.content_length = int(answer.headers["Content-Length"])
    await response.prepare(request)
    if request.method != "HEAD":
        async for chunk in answer.content.iter_chunked(CHUNK):
            await response.write(chunk)
    await response.write_eof()
    return response
