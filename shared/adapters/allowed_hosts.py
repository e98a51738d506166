"""The hosts that may be called and sent a token: addresses that a service names itself are checked first.

Parsers disagree about odd addresses: of `https://evil\\.inference.ml.azure.com` one reads a host of Azure, while the
client that sends the token calls `evil`. So only an address that every parser reads alike is taken.
"""

import re
from fnmatch import fnmatchcase

from shared.domain.failures import Refused

# RFC 3986 with names alone as hosts: no user, literal address, percent sign or last dot, and ASCII throughout.
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PLAIN = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?:[/?][!$-;=?-\[\]_a-z~]*)?",
    re.IGNORECASE,
)
_HTTP, _HTTPS, _LAST_PORT = 80, 443, 65535


def host_of(uri: str) -> str:
    """The host of an https address in lower case, with its port unless that is 443; empty where it is not plain."""
    scheme, host, port = _origin(uri)
    if scheme != "https":
        return ""
    return host if port == _HTTPS else f"{host}:{port}"


def require_allowed_host(uri: str, hosts: tuple[str, ...], subject: str, setting: str) -> str:
    """*uri*, if it is https on one of *hosts* (patterns of *setting*). Raises Refused that names the *subject*."""
    host = host_of(uri)
    if not host or not any(fnmatchcase(host, pattern.lower()) for pattern in hosts):
        raise Refused(f"{subject} {uri[:200]!r} is not on an allowed host; {setting} allows {', '.join(hosts)}")
    return uri


def refuse_other_host(uri: str, base: str, subject: str) -> None:
    """Raises Refused, naming the *subject*, where *uri* has another scheme, host or port than *base*."""
    if not _origin(uri)[0] or _origin(uri) != _origin(base):
        raise Refused(f"{subject} {uri[:200]!r} leaves {base}: nothing is sent there")


def _origin(uri: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; the first is empty where the address is not plain."""
    plain = _PLAIN.fullmatch(uri)
    if plain is None:
        return "", "", 0
    scheme = plain["scheme"].lower()
    port = int(plain["port"] or (_HTTPS if scheme == "https" else _HTTP))
    return (scheme, plain["host"].lower(), port) if port <= _LAST_PORT else ("", "", 0)
