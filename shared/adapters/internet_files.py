"""Files on the internet, by HTTPS from allowed hosts alone, of bounded size and in bounded time.

The address that a name has is judged, and that very address is called: a name may mean another one a moment later. An
environment's proxy is not used, since it would look the name up by itself.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import IO
from urllib.parse import urljoin, urlsplit

from shared.adapters.allowed_hosts import host_of
from shared.domain.datasets.sources import SourceRules
from shared.domain.failures import Refused, Transient

_BLOCK, _REDIRECTS, _HTTPS = 64 * 1024, 5, 443
_LONGEST_SILENCE_S = 30.0
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_PLATFORM = IPv4Address("168.63.129.16")  # Azure's own services for a machine answer there: it only looks public.
_NAT64 = ip_network("64:ff9b::/96")


class HttpsFiles:
    """Implements `shared.ports.InternetFiles`. *is_allowed* judges an IP address, *context* the hosts' certificates."""

    def __init__(self, is_allowed: Callable[[str], bool] | None = None, context: ssl.SSLContext | None = None) -> None:
        self._is_allowed, self._given_context = is_allowed or is_public, context

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._given_context or ssl.create_default_context()  # It reads all authorities: at the first use.

    def objection(self, address: str, rules: SourceRules) -> str:
        host = host_of(address)
        if not host:
            return f"{_plain(address)!r} is no plain https address of a named host; write https://HOST/PATH"
        if not any(fnmatchcase(host, pattern) for pattern in rules.hosts):
            allowed = ", ".join(rules.hosts) or "none"
            return f"host {host!r} is not allowed; add it to sources.hosts, which allows {allowed}"
        if account := rules.closed_account(host):
            return f"host {host!r} is of account {account}, a team's own hub; import into a container of that hub"
        return ""

    def fetch(self, address: str, rules: SourceRules, target: IO[bytes]) -> str:
        deadline = time.monotonic() + rules.within_s
        for _ in range(_REDIRECTS + 1):
            if problem := self.objection(address, rules):
                raise Refused(problem)
            with self._response(address, deadline, rules.within_s) as response:
                if 300 <= response.status < 400 and (following := response.headers.get("Location")):
                    address = urljoin(address, following)
                    continue
                _write(address, response, rules, target)
                return _plain(address)
        raise Refused(f"{_plain(address)} redirects more than {_REDIRECTS} times; name the last address")

    @contextmanager
    def _response(self, address: str, deadline: float, within_s: int) -> Iterator[http.client.HTTPResponse]:
        """The answer of the host. At *deadline* the connection is cut, however slowly it brings something."""
        parts, name = urlsplit(address), _plain(address)
        host, port = str(parts.hostname), parts.port or _HTTPS
        connection = _PinnedConnection(host, port, self._resolved(host, port), self._context)
        cut = threading.Timer(max(0.0, deadline - time.monotonic()), connection.cut)
        cut.daemon = True
        cut.start()
        try:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("GET", path, headers={"Accept-Encoding": "identity", "User-Agent": "signalbox"})
            yield connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            if time.monotonic() >= deadline:
                problem = f"{name} took longer than sources.within, {within_s} s; allow more, or import less"
                raise Refused(problem) from error
            if isinstance(error, ssl.SSLCertVerificationError):
                raise Refused(f"{name} shows no certificate that is trusted: {error.verify_message}") from error
            raise Transient(f"fetch {name}: {error or type(error).__name__}") from error
        finally:
            cut.cancel()
            connection.close()

    def _resolved(self, host: str, port: int) -> str:
        """An IP address of *host*. Refused unless all that it has are public: each of them may be called."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise Transient(f"look up {host}: {error}") from error
            raise Refused(f"host {host!r} has no address ({error}); name one that is there") from error
        addresses = [str(entry[4][0]) for entry in found]
        closed = [address for address in addresses if not self._is_allowed(address)]
        if closed:
            raise Refused(f"host {host!r} has the address {closed[0]}, which is not public; import from a public host")
        return addresses[0]


class _PinnedConnection(http.client.HTTPSConnection):
    """A connection to *address*, where the host must show the certificate of its name."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=_LONGEST_SILENCE_S)
        self._address, self._trust = address, context
        self._plain_socket: socket.socket | None = None

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self._plain_socket = plain
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)

    def cut(self) -> None:
        """End it from another thread: what is being read fails at once."""
        for connected in (self.sock, self._plain_socket):
            if connected is not None:
                try:
                    connected.shutdown(socket.SHUT_RDWR)
                except OSError:  # It has ended already.
                    continue


def is_public(address: str) -> bool:
    """Whether the IP *address* is one of the internet, and leads to none that is not."""
    seen = ip_address(address.partition("%")[0])
    return all(
        each.is_global and not each.is_multicast and not each.is_reserved and each != _PLATFORM
        for each in (_inner(seen) or (seen,))
    )


def _inner(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses to which an IPv6 one is translated, of each kind of translation."""
    if isinstance(address, IPv4Address):
        return ()
    translated = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
    inner = (address.ipv4_mapped, address.sixtofour, address.teredo and address.teredo[1], translated)
    return tuple(each for each in inner if each)


def _write(address: str, response: http.client.HTTPResponse, rules: SourceRules, target: IO[bytes]) -> None:
    name, too_large = _plain(address), f"sources.largest, {rules.largest} bytes; allow more, or import less"
    if response.status in _LATER:
        raise Transient(f"fetch {name}: it answers {response.status}")
    if response.status != http.HTTPStatus.OK:
        raise Refused(f"{name} answers {response.status}; name an address that gives the file")
    if (response.length or 0) > rules.largest:
        raise Refused(f"{name} has {response.length} bytes, more than {too_large}")
    expected, size = response.length, 0
    while block := response.read1(_BLOCK):
        size += len(block)
        if size > rules.largest:
            raise Refused(f"{name} has more bytes than {too_large}")
        target.write(block)
    if expected is not None and size != expected:
        raise http.client.IncompleteRead(b"", expected - size)


def _plain(address: str) -> str:
    """*address* without what may be a secret in it, for records and messages."""
    return address.partition("?")[0].partition("#")[0][:300]
