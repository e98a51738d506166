"""The proxy: it takes CONNECT from clients with its credential, for the listed hosts alone, and ends TLS itself.

It opens no connection of its own; what comes through a tunnel is answered by the HTTP server that it is given.
"""

import asyncio
import hmac
import ssl
from base64 import b64encode
from collections.abc import Callable
from typing import cast

USER = "signalbox"
_LARGEST_HEAD = 8 * 1024
_PATIENCE_S = 10.0
_MOST_CONNECTIONS = 256
_REASONS = {  # Clients print them, so they say what to do.
    400: "the request is not one that this proxy reads",
    403: "the host is not one of the local cloud, and this proxy reaches no other",
    405: "this proxy takes CONNECT alone: use https",
    407: "the credential is missing or of another start of the local cloud: run signalbox env again",
    431: "the head of the request is too long",
    503: "the proxy has as many connections as it takes",
}


class ConnectProxy:
    """*is_listed* says which hosts are served; *serve* makes the HTTP protocol of one connection."""

    def __init__(
        self,
        secret: str,
        is_listed: Callable[[str], bool],
        tls: ssl.SSLContext,
        serve: Callable[[], asyncio.Protocol],
        most_connections: int = _MOST_CONNECTIONS,
    ) -> None:
        self._credential = b64encode(f"{USER}:{secret}".encode())
        self._is_listed, self._tls, self._serve, self._most = is_listed, tls, serve, most_connections
        self._connections: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> int:
        """Serve on 127.0.0.1; returns the port, a free one for 0."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Head(self), "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections, and close those there are."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._connections:
            connection.close()

    def admit(self, transport: asyncio.Transport) -> bool:
        """Whether there is room for one more connection, which is then counted until it closes."""
        self._connections = {connection for connection in self._connections if not connection.is_closing()}
        if len(self._connections) >= self._most:
            return False
        self._connections.add(transport)
        return True

    def judge(self, head: bytes) -> int:
        """The status that answers the request *head*; 200 opens the tunnel. The credential comes before the host."""
        request_line, *lines = head.split(b"\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        words = request_line.split(b" ")
        if len(words) != 3:
            return 400
        if not self._has_credential(headers.get(b"proxy-authorization", b"")):
            return 407
        if words[0] != b"CONNECT":
            return 405
        host, _, port = words[1].decode("latin-1").rpartition(":")
        return 200 if port == "443" and self._is_listed(host) else 403

    def tunnel(self, transport: asyncio.Transport) -> None:
        """Tell the client that the tunnel stands, and speak TLS and HTTP with it from now on."""
        transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        task = asyncio.get_running_loop().create_task(self._end_tls(transport))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_tls(self, transport: asyncio.Transport) -> None:
        early = _Early()
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport, early, self._tls, server_side=True, ssl_handshake_timeout=_PATIENCE_S
            )
        except OSError:  # The client does not trust the authority, or it has gone; both are its own affair.
            return
        server = self._serve()
        server.connection_made(cast(asyncio.Transport, secured))
        cast(asyncio.Transport, secured).set_protocol(server)
        if early.data:
            server.data_received(bytes(early.data))

    def _has_credential(self, authorization: bytes) -> bool:
        scheme, _, credential = authorization.partition(b" ")
        return scheme.lower() == b"basic" and hmac.compare_digest(credential.strip(), self._credential)


class _Head(asyncio.Protocol):
    """Reads the head of one CONNECT, within a time and a size, and has it judged."""

    def __init__(self, proxy: ConnectProxy) -> None:
        self._proxy, self._data, self._is_read = proxy, bytearray(), False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._deadline = asyncio.get_running_loop().call_later(_PATIENCE_S, self._transport.abort)
        if not self._proxy.admit(self._transport):
            self._refuse(503)

    def data_received(self, data: bytes) -> None:
        if self._is_read:  # Refused, and still talking.
            return
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if len(head) > _LARGEST_HEAD:
            self._refuse(431)
        elif end:
            # Nothing may come before the tunnel stands: bytes that were read here would be missing from the TLS
            # handshake.
            status = 400 if rest else self._proxy.judge(bytes(head))
            if status == 200:
                self._is_read = True
                self._deadline.cancel()
                self._proxy.tunnel(self._transport)
            else:
                self._refuse(status)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._deadline.cancel()

    def _refuse(self, status: int) -> None:
        self._is_read = True
        challenge = 'Proxy-Authenticate: Basic realm="signalbox"\r\n' if status == 407 else ""
        answer = f"HTTP/1.1 {status} {_REASONS[status]}\r\n{challenge}Content-Length: 0\r\nConnection: close\r\n\r\n"
        self._transport.write(answer.encode())
        self._transport.close()


class _Early(asyncio.Protocol):
    """Keeps what arrives with the end of the handshake, before the server has the connection."""

    def __init__(self) -> None:
        self.data = bytearray()

    def data_received(self, data: bytes) -> None:
        self.data += data
