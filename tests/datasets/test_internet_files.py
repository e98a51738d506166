"""Files are fetched from allowed public hosts by HTTPS alone, bounded in size and time; against a real server."""

import io
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.internet_files import HttpsFiles, is_public
from shared.domain.datasets.sources import SourceRules
from shared.domain.failures import Refused, Transient
from tests.datasets.file_server import CONTENT, FileServer, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with serving(tmp_path_factory.mktemp("files")) as made:
        yield made


def fetched(server: FileServer, path: str, **rules: int) -> tuple[str, bytes]:
    target = io.BytesIO()
    allowed = SourceRules(hosts=(server.host,), **{"largest": 1000, "within_s": 20, **rules})  # type: ignore[arg-type]
    origin = server.client().fetch(server.address(path), allowed, target)
    return origin, target.getvalue()


def test_a_file_is_fetched_and_a_redirect_on_the_list_followed(server: FileServer) -> None:
    assert fetched(server, "data/a.csv") == (server.address("data/a.csv"), CONTENT)
    assert fetched(server, "moved.csv") == (server.address("a.csv"), CONTENT), "a query is kept out of records"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("away.csv", "host 'elsewhere.example.org' is not allowed; add it to sources.hosts"),
        ("plain.csv", "is no plain https address"),
        ("loop.csv", "redirects more than 5 times"),
        ("gone.csv", "answers 404"),
    ],
)
def test_what_leads_elsewhere_or_to_nothing_is_refused(server: FileServer, path: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        fetched(server, path)


def test_a_host_that_is_not_on_the_list_is_not_asked(server: FileServer) -> None:
    before = server.asked.total()
    with pytest.raises(Refused, match=r"host 'localhost:\d+' is not allowed; .*, which allows none"):
        server.client().fetch(server.address("a.csv"), SourceRules(), io.BytesIO())
    assert server.asked.total() == before


@pytest.mark.parametrize("path", ["a.csv", "endless.csv"])
def test_no_more_is_read_than_is_allowed(server: FileServer, path: str) -> None:
    """Announced by the server, or not."""
    target = io.BytesIO()
    rules = SourceRules(hosts=(server.host,), largest=len(CONTENT) - 1, within_s=20)
    with pytest.raises(Refused, match=r"more than sources\.largest, 12 bytes; allow more|more bytes than sources"):
        server.client().fetch(server.address(path), rules, target)
    assert len(target.getvalue()) <= rules.largest
    assert fetched(server, "a.csv", largest=len(CONTENT))[1] == CONTENT


@pytest.mark.parametrize("path", ["drip.csv", "silent.csv"])
def test_what_takes_too_long_is_cut_off(server: FileServer, path: str) -> None:
    """A byte at a time, each of them in time; or nothing at all."""
    with pytest.raises(Refused, match=r"took longer than sources\.within, 1 s"):
        fetched(server, path, largest=10_000_000, within_s=1)


@pytest.mark.parametrize("path", ["short.csv", "busy.csv"])
def test_what_may_be_mended_is_tried_again(server: FileServer, path: str) -> None:
    with pytest.raises(Transient):
        fetched(server, path)


def test_a_certificate_of_nobody_is_refused(server: FileServer) -> None:
    distrustful = HttpsFiles(lambda address: True)
    with pytest.raises(Refused, match="no certificate that is trusted"):
        distrustful.fetch(server.address("a.csv"), SourceRules(hosts=(server.host,)), io.BytesIO())


def test_a_host_with_an_address_that_is_not_public_is_not_called(server: FileServer) -> None:
    before = server.asked.total()
    with pytest.raises(Refused, match=r"has the address (127\.0\.0\.1|::1), which is not public"):
        HttpsFiles().fetch(server.address("a.csv"), SourceRules(hosts=(server.host,)), io.BytesIO())
    assert server.asked.total() == before


def test_a_host_of_which_one_address_is_private_is_not_called(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [(0, 0, 0, "", ("93.184.215.14", 443)), (0, 0, 0, "", ("10.0.0.4", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: both)
    with pytest.raises(Refused, match=r"10\.0\.0\.4, which is not public"):
        HttpsFiles().fetch(server.address("a.csv"), SourceRules(hosts=(server.host,)), io.BytesIO())


def test_the_address_that_was_judged_is_the_one_that_is_called(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes its address after the judgement leads nowhere else."""
    looks, look_up = list[str](), socket.getaddrinfo

    def changing(host: str, *arguments: Any, **named: Any) -> Any:
        if host != "localhost":
            return look_up(host, *arguments, **named)
        looks.append(host)
        return look_up("127.0.0.1" if len(looks) == 1 else "127.0.0.2", *arguments, **named)

    monkeypatch.setattr("socket.getaddrinfo", changing)

    assert fetched(server, "a.csv")[1] == CONTENT
    assert looks == ["localhost"]


def test_a_name_without_an_address_is_said() -> None:
    with pytest.raises((Refused, Transient), match=r"host 'no-such-host\.invalid'|look up no-such-host\.invalid"):
        HttpsFiles().fetch("https://no-such-host.invalid/a", SourceRules(hosts=("*.invalid",)), io.BytesIO())


@pytest.mark.parametrize(
    "address",
    [
        "http://data.example.org/a.csv",
        "https://user@data.example.org/a.csv",
        "https://data.example.org\\.evil.org/a.csv",
        "https://[::1]/a.csv",
        "https://data.example.org:99999/a.csv",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_parsers_read_differently_is_refused(address: str) -> None:
    assert "is no plain https address" in HttpsFiles().objection(address, SourceRules(hosts=("data.example.org",)))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("2002:a00:1::", False),
        ("64:ff9b::a9fe:a9fe", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, expected: bool) -> None:
    assert is_public(address) is expected
