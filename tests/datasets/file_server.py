"""An HTTPS server with files, good and bad, and a certificate of its own authority; tests fetch from it."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from shared.adapters.internet_files import HttpsFiles
from signalbox.emulators.public_names.certificates import write_session_certificate
from tests.connections import ServerThread, end_serving

CONTENT = b"id,x\n1,2\n3,4\n"


class FileServer:
    """*port* is of `localhost`; *asked* counts the requests for each path."""

    def __init__(self, folder: Path) -> None:
        self.files = write_session_certificate(folder, ["localhost"])
        self.asked: Counter[str] = Counter()
        self.content, self.port = CONTENT, 0
        self._runner: web.AppRunner | None = None

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def address(self, path: str) -> str:
        return f"https://{self.host}/{path}"

    def client(self) -> HttpsFiles:
        """The product's adapter, which trusts this server and takes its address for a public one."""
        return HttpsFiles(lambda address: True, ssl.create_default_context(cafile=str(self.files.ca)))

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.files.cert, self.files.key)
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def stop(self) -> None:
        assert self._runner is not None
        await end_serving(self._runner)
        answers = asyncio.all_tasks() - {asyncio.current_task()}
        for answer in answers:  # Of clients that went away, which nobody waits for.
            answer.cancel()
        await asyncio.gather(*answers, return_exceptions=True)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        self.asked[name] += 1
        redirects = {
            "moved.csv": "/a.csv?token=secret",
            "away.csv": "https://elsewhere.example.org/a.csv",
            "plain.csv": f"http://{self.host}/a.csv",
            "loop.csv": "/loop.csv",
        }
        statuses = {"gone.csv": 404, "busy.csv": 503}
        if name in redirects:
            return web.Response(status=302, headers={"Location": redirects[name]})
        if name in statuses:
            return web.Response(status=statuses[name])
        if name in ("endless.csv", "drip.csv", "short.csv"):
            return await self._badly(request, name)
        if name == "silent.csv":
            await asyncio.sleep(2)
        return web.Response(body=self.content)

    async def _badly(self, request: web.Request, name: str) -> web.StreamResponse:
        """Without an end, a byte at a time, or less than was announced."""
        response = web.StreamResponse()
        if name == "short.csv":
            response.content_length = 1000
        await response.prepare(request)
        for _ in range(1 if name == "short.csv" else 10_000):
            await response.write(b"1" * (1 if name == "drip.csv" else 500))
            if name == "drip.csv":
                await asyncio.sleep(0.05)
            if name == "short.csv" and request.transport is not None:
                request.transport.abort()
        return response


@contextmanager
def serving(folder: Path) -> Iterator[FileServer]:
    thread, server = ServerThread(), FileServer(folder)
    thread.run(server.start())
    try:
        yield server
    finally:
        thread.run(server.stop())
        thread.close()
