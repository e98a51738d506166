"""The proxy and the relay behind it, started and stopped together."""

import ssl
from pathlib import Path

from aiohttp import web

from signalbox.emulators.public_names.certificates import SessionCertificate
from signalbox.emulators.public_names.hosts import PublicHosts
from signalbox.emulators.public_names.proxy import ConnectProxy
from signalbox.emulators.public_names.relay import Relay

_LONGEST_LINE = 64 * 1024


class PublicNames:
    """*ca* signs the local services' certificate; *bus_port* takes AMQP in clear."""

    def __init__(self, hosts: PublicHosts, ca: Path, bus_port: int) -> None:
        self._hosts, self._relay = hosts, Relay(hosts, ca, bus_port)

    async def listen(self, port: int, secret: str, certificate: SessionCertificate) -> int:
        """Serve on 127.0.0.1 to clients that know *secret*; returns the port, a free one for 0."""
        self._runner = web.AppRunner(
            self._relay.app(),
            access_log=None,
            shutdown_timeout=2,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate.cert, certificate.key)
        self._proxy = ConnectProxy(secret, self._hosts.is_listed, tls, server)
        return await self._proxy.listen(port)

    async def cleanup(self) -> None:
        """Close every connection, and serve no more."""
        await self._proxy.close()
        await self._runner.cleanup()
