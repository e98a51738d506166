"""The proxy for the public names of Azure: who is let in, which hosts are reached, and what its authority may sign."""

import asyncio
import contextlib
import ssl
import stat
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signalbox.cli.main import main
from signalbox.emulators.public_names.certificates import (
    make_authority,
    session_certificate,
    sign_certificate,
    write_session_certificate,
)
from signalbox.emulators.public_names.hosts import LocalServices, PublicHosts, domains
from signalbox.emulators.public_names.proxy import ConnectProxy
from signalbox.launcher.client_session import (
    client_environment,
    close_session,
    open_session,
    outer_environment,
    read_session,
)
from signalbox.launcher.endpoints import new_endpoints

PORTS = {
    "azureml": 1,
    "identity_tls": 2,
    "devops": 3,
    "keyvault": 4,
    "storage": 5,
    "servicebus": 6,
    "servicebus_administration": 7,
}
HOSTS = PublicHosts(LocalServices(ports=PORTS, accounts=("stdev", "datahub"), vault="kv", namespace="sb"))
CREDENTIAL = f"Proxy-Authorization: Basic {b64encode(b'signalbox:secret').decode()}\r\n"


@pytest.mark.parametrize(
    ("local", "public"),
    [
        ("https://localhost:5/stdev/azureml/x", "https://stdev.blob.core.windows.net/azureml/x"),
        ("https://localhost:1/batch/e/jobs", "https://e.westeurope.inference.ml.azure.com/jobs"),
        ("https://localhost:1/online/e/score", "https://e.westeurope.inference.ml.azure.com/score"),
        ("https://localhost:1/subscriptions/s", "https://management.azure.com/subscriptions/s"),
        ("https://localhost:1/discovery", "https://westeurope.api.azureml.ms/discovery"),
        ("azureml://localhost:1/mlflow/v1.0/s", "azureml://westeurope.api.azureml.ms/mlflow/v1.0/s"),
        ("https://localhost:2/t/oauth2/v2.0/token", "https://login.microsoftonline.com/t/oauth2/v2.0/token"),
        ("https://127.0.0.1:4/keys/k", "https://kv.vault.azure.net/keys/k"),
        ("https://localhost:3/contoso", "https://dev.azure.com/contoso"),
    ],
)
def test_an_address_is_written_as_its_reader_knows_it(local: str, public: str) -> None:
    assert HOSTS.to_public(f'"{local}"') == f'"{public}"'
    assert HOSTS.to_local(f'"{public}"') == f'"{local}"'


@pytest.mark.parametrize(
    "text", ["https://localhost:51/stdev", "https://stdev2.blob.core.windows.net/c", "azureml:a:1"]
)
def test_what_only_resembles_an_address_stays_as_it_is(text: str) -> None:
    assert HOSTS.to_public(text) == HOSTS.to_local(text) == text


def test_only_hosts_of_the_list_are_reached() -> None:
    listed = [
        "management.azure.com",
        "STDEV.blob.core.windows.net",
        "eastus.api.azureml.ms",
        "sb.servicebus.windows.net",
    ]
    unlisted = [
        "example.org",
        "other.blob.core.windows.net",
        "management.azure.com.evil.org",
        "other.vault.azure.net",
        "",
    ]

    assert all(HOSTS.is_listed(host) for host in listed)
    assert not any(HOSTS.is_listed(host) for host in unlisted)
    assert HOSTS.is_listed("stdev.queue.core.windows.net"), "it is answered with a sentence"
    assert HOSTS.destination("stdev.queue.core.windows.net") is None


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """The port of a proxy for two connections, and the authority that its clients trust."""

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text=f"{request.host}{request.path}")

    certificate = write_session_certificate(tmp_path, HOSTS.certificate_names())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate.cert, certificate.key)
    proxy = ConnectProxy("secret", HOSTS.is_listed, tls, web.Server(answer), most_connections=2)
    yield await proxy.listen(0), certificate.ca
    await proxy.close()


async def first_line(port: int, request: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    line = await reader.readline()
    writer.close()
    return line.decode()


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("CONNECT management.azure.com:443 HTTP/1.1\r\n", 407),
        ("CONNECT management.azure.com:443 HTTP/1.1\r\nProxy-Authorization: Basic d3Jvbmc=\r\n", 407),
        ("CONNECT example.org:443 HTTP/1.1\r\n", 407),  # A stranger does not learn which hosts there are.
        (f"CONNECT example.org:443 HTTP/1.1\r\n{CREDENTIAL}", 403),
        (f"CONNECT management.azure.com:22 HTTP/1.1\r\n{CREDENTIAL}", 403),
        (f"CONNECT 127.0.0.1:443 HTTP/1.1\r\n{CREDENTIAL}", 403),
        (f"GET http://management.azure.com/ HTTP/1.1\r\n{CREDENTIAL}", 405),
        ("nonsense\r\n", 400),
        (f"CONNECT management.azure.com:443 HTTP/1.1\r\nX: {'x' * 9000}\r\n", 431),
    ],
)
async def test_what_is_refused_at_the_door(proxy: tuple[int, Path], request_head: str, status: int) -> None:
    assert (await first_line(proxy[0], f"{request_head}\r\n")).startswith(f"HTTP/1.1 {status} ")


async def test_a_tunnel_ends_in_the_server_with_a_certificate_for_the_host(proxy: tuple[int, Path]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy[0])
    writer.write(f"CONNECT stdev.blob.core.windows.net:443 HTTP/1.1\r\n{CREDENTIAL}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    trust = ssl.create_default_context(cafile=str(proxy[1]))

    await writer.start_tls(trust, server_hostname="stdev.blob.core.windows.net")
    writer.write(b"GET /c/b HTTP/1.1\r\nHost: stdev.blob.core.windows.net\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()

    assert answer.startswith("HTTP/1.1 200 ")
    assert answer.endswith("stdev.blob.core.windows.net/c/b")


async def test_connections_are_bounded_and_make_room_when_they_close(proxy: tuple[int, Path]) -> None:
    request = f"CONNECT example.org:443 HTTP/1.1\r\n{CREDENTIAL}\r\n"
    idle = [await asyncio.open_connection("127.0.0.1", proxy[0]) for _ in range(2)]
    refused = await first_line(proxy[0], request)
    for _, writer in idle:
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0.05)

    assert refused.startswith("HTTP/1.1 503 ")
    assert (await first_line(proxy[0], request)).startswith("HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("name", "is_believed"), [("management.azure.com", True), ("example.org", False), ("azure.com", False)]
)
def test_the_authority_cannot_vouch_for_other_hosts(name: str, is_believed: bool, tmp_path: Path) -> None:
    """Not even somebody who has its key can sign for another host."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = make_authority(authority_key, domains(HOSTS.certificate_names()))
    certificate = sign_certificate(key.public_key(), [name], authority, authority_key)
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    (tmp_path / "ca.pem").write_bytes(authority.public_bytes(pem))
    (tmp_path / "cert.pem").write_bytes(
        certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password)
    )

    assert handshake(tmp_path / "ca.pem", tmp_path / "cert.pem", name) is is_believed


def handshake(ca: Path, cert: Path, name: str) -> bool:
    """Whether a client that trusts *ca* believes the server with *cert* to be *name*."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(cert)
    trust = ssl.create_default_context(cafile=str(ca))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT  # As Python 3.13 has it from the start.
    client = trust.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_tls.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError:
            return False
    return True


def test_a_session_lasts_as_long_as_the_cloud_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    endpoints = new_endpoints(tmp_path)
    endpoints.ca.write_text("the local authority\n")

    first, second = open_session(endpoints), open_session(endpoints)

    kept = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "session").iterdir()}
    assert set(kept.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "session").stat().st_mode) == 0o700
    assert read_session(endpoints) == second
    assert first.proxy_secret not in str(client_environment(second))
    assert first.client_secret != second.client_secret
    assert second.bundle.read_text().endswith("the local authority\n")
    assert "PRIVATE" not in session_certificate(tmp_path / "session").ca.read_text()
    close_session(endpoints)
    assert not (tmp_path / "session").exists()


def test_the_cloud_itself_does_not_take_a_shells_session_for_its_own(tmp_path: Path) -> None:
    """Else a cloud that is started again in the same shell would sign in as the client, by a proxy that is gone."""
    endpoints = new_endpoints(tmp_path)
    endpoints.ca.write_text("the local authority\n")
    shell = {"PATH": "/bin", **client_environment(open_session(endpoints))}
    others = {"HTTPS_PROXY": "http://proxy.example.org", "AZURE_CLIENT_ID": "of-another"}

    assert outer_environment(shell) == {"PATH": "/bin"}
    assert outer_environment(others) == others


def test_env_says_so_where_no_cloud_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    env = CliRunner().invoke(main, ["env"])

    assert (env.exit_code, env.stdout) == (8, "")
    assert "signalbox up" in env.stderr
