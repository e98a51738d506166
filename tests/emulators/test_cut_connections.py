"""What the storage front does when Azurite's side of a connection ends before an answer, and why it does not end."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from aiohttp.test_utils import TestClient, TestServer

from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.database import open_database
from signalbox.emulators.storage.access import StorageAccess
from signalbox.emulators.storage.azurite import IDLE_S, Azurite
from signalbox.emulators.storage.front import StorageFront
from signalbox.emulators.storage.outbox import Outbox
from signalbox.launcher.cloud import LocalCloud
from tests.connections import end_serving

_ANSWER = b'HTTP/1.1 %s\r\nETag: "1"\r\nx-ms-request-id: r\r\nContent-Length: 0\r\n\r\n'
_STATUSES = {"GET": b"200 OK", "HEAD": b"404 Not Found", "PUT": b"201 Created", "DELETE": b"202 Accepted"}


@dataclass
class Closing:
    """A server that carries out what comes, and closes a connection at its second request instead of answering."""

    carried_out: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in (1, 2):
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except asyncio.IncompleteReadError:
                break
            method, path, _ = head.partition("\r\n")[0].split(" ")
            if "chunked" in head.lower():
                await reader.readuntil(b"0\r\n\r\n")
            elif "content-length: " in head.lower():
                size = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
                await reader.readexactly(int(size))
            self.carried_out.append(f"{method} {path.partition('?')[0]}")
            if number == 1:
                writer.write(_ANSWER % _STATUSES[method])
        writer.close()


@dataclass
class Stage:
    client: TestClient  # type: ignore[type-arg]
    azurite: Closing
    outbox: Outbox

    async def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        answer = await self.client.request(method, f"/hub/{path}", data=body, headers=headers)
        return answer.status, answer.headers.get("x-ms-error-code", "")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    authority, azurite = ensure_authority(tmp_path), Closing()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.cert, authority.key)
    server = await asyncio.start_server(azurite.serve, "127.0.0.1", 0, ssl=tls)
    azurite.port = server.sockets[0].getsockname()[1]
    outbox = Outbox(open_database(tmp_path / "events.db"), {"hub": "/hub"}, lambda *_: None)
    behind = Azurite(f"https://localhost:{azurite.port}", authority.ca, lambda: "token")
    front = StorageFront(behind, StorageAccess(("hub",), lambda *_: True, "tenant"), outbox)
    client = TestClient(TestServer(front.app()))
    await client.start_server()
    yield Stage(client, azurite, outbox)
    await client.close()
    server.close()
    await end_serving()


async def test_an_append_that_was_cut_off_is_sent_once_and_answered_as_azure_does(stage: Stage) -> None:
    assert await stage.ask("GET", "c/warm") == (200, "")
    answer = await stage.ask("PUT", "c/log?comp=appendblock", b"line")
    assert answer == (500, "OperationTimedOut")
    assert stage.azurite.carried_out == ["GET /hub/c/warm", "PUT /hub/c/log"]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("DELETE", "c/gone", {}),
        ("PUT", "c/copy", {"x-ms-copy-source": "https://localhost/hub/c/other"}),
        ("PUT", "c/held?comp=lease", {"x-ms-lease-action": "acquire"}),
    ],
    ids=["deletion", "copy", "lease"],
)
async def test_what_has_no_body_is_not_repeated_by_the_library(
    stage: Stage, method: str, path: str, headers: dict[str, str]
) -> None:
    await stage.ask("GET", "c/warm")
    assert await stage.ask(method, path, **headers) == (500, "OperationTimedOut")
    own = [line for line in stage.azurite.carried_out if line.startswith(method)]
    assert own == [f"{method} /hub/{path.partition('?')[0]}"]


async def test_a_read_is_repeated(stage: Stage) -> None:
    assert await stage.ask("GET", "c/warm") == (200, "")
    assert await stage.ask("GET", "c/read") == (200, "")
    assert stage.azurite.carried_out == ["GET /hub/c/warm", "GET /hub/c/read", "GET /hub/c/read"]


async def test_a_server_that_is_away_is_busy(tmp_path: Path) -> None:
    behind = Azurite("https://localhost:1", ensure_authority(tmp_path).ca, lambda: "token")
    outbox = Outbox(open_database(tmp_path / "events.db"), {"hub": "/hub"}, lambda *_: None)
    front = StorageFront(behind, StorageAccess(("hub",), lambda *_: True, "tenant"), outbox)
    async with TestClient(TestServer(front.app())) as client:
        for method in ("GET", "PUT", "DELETE"):
            answer = await client.request(method, "/hub/c/b")
            assert (answer.status, answer.headers["x-ms-error-code"]) == (503, "ServerBusy")
    await end_serving()


@pytest.mark.xdist_group("storage-emulator")
def test_azurite_keeps_a_connection_much_longer_than_the_front_reuses_it(cloud: LocalCloud) -> None:
    ends = cloud.endpoints
    answer = requests.get(f"https://localhost:{ends.azurite}/datahub", verify=str(ends.ca), timeout=20)
    idle_s = int(answer.headers["Keep-Alive"].partition("timeout=")[2])
    assert idle_s >= 4 * IDLE_S
