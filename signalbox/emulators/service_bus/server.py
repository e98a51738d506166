"""The namespace on loopback: plain AMQP for `UseDevelopmentEmulator=true`, TLS for clients with a token credential."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.service_bus.access import Access
from signalbox.emulators.service_bus.administration.catalogue import Catalogue
from signalbox.emulators.service_bus.administration.doors import Administration
from signalbox.emulators.service_bus.broker import Broker
from signalbox.emulators.service_bus.connection import AmqpConnection
from signalbox.emulators.service_bus.entities import Namespace
from signalbox.emulators.service_bus.links import Service
from signalbox.emulators.service_bus.locks import Locks
from signalbox.emulators.service_bus.management import Management
from signalbox.emulators.service_bus.schema import open_broker
from signalbox.emulators.service_bus.sessions import Sessions

_TICK_S = 0.1
_STANDARD_TIER_BYTES = 256 * 1024


def _nobody(token: str) -> bool:
    """Whose token administers a namespace without roles."""
    del token
    return False


class ServiceBus:
    """*settings*: `queues`, `topics`, `keys` (by policy name), `max_message_bytes`; *accepts* judges JWTs.

    *manages* says which of them may administer the namespace.
    """

    def __init__(
        self,
        state: Path,
        settings: dict[str, Any],
        accepts: Callable[[str, Sequence[str]], bool],
        clock: Callable[[], float] = time.time,
        manages: Callable[[str], bool] | None = None,
    ) -> None:
        namespace = Namespace(settings.get("queues", []), settings.get("topics", []))
        self.broker = Broker(open_broker(state / "service-bus.db"), namespace, clock)
        self.broker.announce = self._wake_receivers
        sessions, locks = Sessions(self.broker), Locks(self.broker)
        sessions.release_all()  # Their receivers are gone with the process that had the connections.
        management = Management(self.broker, locks, sessions)
        access = Access(settings["keys"], accepts, clock)
        largest = settings.get("max_message_bytes", _STANDARD_TIER_BYTES)
        self.administration = Administration(
            broker=self.broker,
            catalogue=Catalogue(self.broker),
            access=access,
            manages=manages or _nobody,
            max_message_bytes=largest,
        )
        self._service = Service(
            broker=self.broker,
            locks=locks,
            sessions=sessions,
            management=management,
            access=access,
            max_message_bytes=largest,
        )
        self._connections: set[AmqpConnection] = set()
        self._dirty: set[str] = set()
        self._servers: list[asyncio.Server] = []
        self._runner: web.AppRunner | None = None

    async def listen(self, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Serve on 127.0.0.1; returns the port, a free one for 0."""
        loop = asyncio.get_running_loop()
        factory = lambda: AmqpConnection(self._service, self._connections)  # noqa: E731
        server = await loop.create_server(factory, "127.0.0.1", port, ssl=tls)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def listen_for_administrators(self, port: int, tls: ssl.SSLContext) -> int:
        """Serve the administration over HTTPS on localhost; returns the port, a free one for 0."""
        self._runner = web.AppRunner(self.administration.app(), access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls).start()
        return int(self._runner.addresses[0][1])

    async def run(self) -> None:
        """Let time act on the namespace until cancelled."""
        while True:
            await asyncio.sleep(_TICK_S)
            self.broker.tick()
            for connection in list(self._connections):
                connection.tick()

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        if self._runner is not None:
            await self._runner.cleanup()
        for connection in list(self._connections):
            connection.shut()
        await asyncio.sleep(0)
        self.broker.database.close()

    def _wake_receivers(self, path: str) -> None:
        if not self._dirty:
            with contextlib.suppress(RuntimeError):  # No loop: nobody is connected yet.
                # In the loop's next turn, so that many messages at once wake their receivers once.
                asyncio.get_running_loop().call_soon(self._wake)
        self._dirty.add(path)

    def _wake(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for connection in list(self._connections):
            for path in dirty:
                connection.wake(path)
