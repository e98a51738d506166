import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.connections import end_serving

OWNER = "00000000-0000-0000-0000-0000000000b0"  # Who may administer the namespace.
KEY = "c2VydmljZSBidXM="
SETTINGS: dict[str, Any] = {
    "keys": {"Root": KEY},
    "queues": [
        {"name": "orders", "max_deliveries": 3, "duplicate_window_s": 60},
        {"name": "mortal", "time_to_live_s": 30, "dead_letter_expired": True},
        {"name": "ordered", "sessions": True, "max_deliveries": 3},
        {"name": "secured"},
        {"name": "hub-messages", "sessions": True, "max_deliveries": 3},
        {"name": "hub-records", "sessions": True, "max_deliveries": 3, "duplicate_window_s": 60},
        {"name": "approvals", "max_deliveries": 2},
        {"name": "devops-hooks", "max_deliveries": 2},
        {"name": "hub-events", "max_deliveries": 2},
        {"name": "impatient", "lock_s": 3},
        {"name": "refusing", "sessions": True},
        {"name": "idle", "sessions": True},
        {"name": "kinds"},
        {"name": "threads"},
        {"name": "thrice", "max_deliveries": 3},
        {"name": "counted"},
        {"name": "counted-too"},
        {"name": "listed", "sessions": True},
        {"name": "handled", "max_deliveries": 3, "lock_s": 2},
        *({"name": name} for name in ("sent-anew", "deferring", "broken-link", "beside-the-body")),
    ],
    "topics": [
        {"name": "results", "duplicate_window_s": 600, "subscriptions": [{"name": "all"}]},
        {"name": "threaded", "subscriptions": [{"name": "all"}]},
        {"name": "unspoken", "subscriptions": [{"name": "all"}]},
        {
            "name": "news",
            "duplicate_window_s": 60,
            "subscriptions": [
                {"name": "all"},
                {"name": "failures", "rules": [{"application": {"outcome": "failed"}, "properties": {"label": "run"}}]},
            ],
        },
    ],
}


@dataclass
class Served:
    """A namespace that runs in a thread; *port* speaks plain AMQP, *tls_port* needs the local authority."""

    port: int = 0
    tls_port: int = 0
    administration_port: int = 0
    broker: Any = None
    authority: Any = None
    issuer: Any = None
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def connection_string(self) -> str:
        return connection_string(self.port)


def connection_string(port: int, key: str = KEY) -> str:
    return f"Endpoint=sb://localhost:{port};SharedAccessKeyName=Root;SharedAccessKey={key};UseDevelopmentEmulator=true;"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pytest.importorskip("proton", reason="the emulator needs Qpid Proton, which is built with a C compiler")
    state, served = tmp_path_factory.mktemp("bus"), Served()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(_serve(state, served, stop)))
    thread.start()
    assert served.ready.wait(60)
    yield served
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def _owns(served: Served, token: str) -> bool:
    claims = served.issuer.claims(token, ("https://servicebus.azure.net",))
    return claims is not None and claims["oid"] == OWNER


async def _serve(state: Path, served: Served, stop: asyncio.Event) -> None:
    import ssl

    from signalbox.emulators.authority import ensure_authority
    from signalbox.emulators.service_bus.server import ServiceBus
    from signalbox.emulators.tokens import TokenIssuer

    served.authority = ensure_authority(state)
    served.issuer = TokenIssuer(state, "tenant", "https://localhost")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(served.authority.cert, served.authority.key)
    accepts = lambda *given: served.issuer.claims(*given) is not None  # noqa: E731
    bus = ServiceBus(state, SETTINGS, accepts, manages=lambda token: _owns(served, token))
    served.port, served.tls_port = await bus.listen(0), await bus.listen(0, tls)
    served.administration_port = await bus.listen_for_administrators(0, tls)
    served.broker = bus.broker
    running = asyncio.create_task(bus.run())
    served.ready.set()
    await stop.wait()
    running.cancel()
    await bus.close()
    await end_serving()
