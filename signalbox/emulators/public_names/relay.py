"""What comes through the tunnel goes on to the local service, and its answer back, each with the addresses it knows."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from signalbox.emulators.public_names.bridge import bridge
from signalbox.emulators.public_names.hosts import Destination, PublicHosts
from signalbox.emulators.streams import CHUNK, end_to_end, pass_on

_LARGEST_DOCUMENT = 64 * 1024**2
# Headers whose values contain addresses.
_ADDRESSES = {"location", "azure-asyncoperation", "operation-location", "www-authenticate", "x-ms-copy-source"}


class Relay:
    """*ca* signs the local services' certificate; *bus_port* is where Service Bus takes AMQP without TLS."""

    def __init__(self, hosts: PublicHosts, ca: Path, bus_port: int) -> None:
        self._hosts, self._ca, self._bus_port = hosts, ca, bus_port

    def app(self) -> web.Application:
        """The application behind the proxy."""
        app = web.Application(client_max_size=_LARGEST_DOCUMENT)
        app.cleanup_ctx.append(self._lifetime)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._answer)
        return app

    async def _lifetime(self, app: web.Application) -> AsyncIterator[None]:
        del app
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(self._ca)), limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            self._session = session
            yield

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.removesuffix(":443").lower()
        if host == self._hosts.namespace and "Upgrade" in request.headers:
            return await bridge(request, self._bus_port)
        destination = self._hosts.destination(host, request.path)
        if destination is None:
            return _not_served(host.partition(".")[2])
        if request.query.get("comp") == "batch":  # Its parts would pass the front unseen, and raise no events.
            return _not_served("batches of requests to storage")
        try:
            return await self._forward(request, destination)
        except aiohttp.ClientConnectionError as error:
            return web.json_response(_error("BadGateway", f"{host} does not answer here: {error}"), status=502)

    async def _forward(self, request: web.Request, destination: Destination) -> web.StreamResponse:
        headers = self._headers(request.headers, self._hosts.to_local)
        body: AsyncIterable[bytes] | bytes | None = request.content.iter_chunked(CHUNK) if request.body_exists else None
        if destination.names_addresses:
            headers.popall("Accept-Encoding", None)  # The answer has to be read here.
            if request.body_exists and _is_document(request.headers):
                body = self._hosts.to_local(await request.text()).encode()
                headers.popall("Content-Length", None)
        async with self._session.request(
            request.method,
            URL(f"{destination.base}{request.raw_path}", encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
        ) as answer:
            answer_headers = self._headers(answer.headers, self._hosts.to_public)
            if not destination.names_addresses or not _is_document(answer.headers) or request.method == "HEAD":
                return await pass_on(request, answer, answer_headers)
            answer_headers.popall("Content-Length", None)
            text = self._hosts.to_public(await answer.text())
            return web.Response(body=text.encode(), status=answer.status, headers=answer_headers)

    def _headers(self, headers: CIMultiDictProxy[str], rewrite: Callable[[str], str]) -> CIMultiDict[str]:
        own = end_to_end(headers)
        own.popall("Host", None)
        return CIMultiDict(
            (name, rewrite(value) if name.lower() in _ADDRESSES else value) for name, value in own.items()
        )


def _is_document(headers: CIMultiDictProxy[str]) -> bool:
    return "json" in headers.get("Content-Type", "").lower()


def _not_served(service: str) -> web.Response:
    message = f"The local cloud has no {service}; docs/local-cloud.md says what it has."
    return web.json_response(
        _error("NotImplemented", message), status=501, headers={"x-ms-error-code": "NotImplemented"}
    )


def _error(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}
