"""The hosts that may be called and sent a token: addresses that a service names itself are checked first."""

from fnmatch import fnmatch
from urllib.parse import urlsplit

from shared.domain.failures import Refused


def allowed(uri: str, hosts: tuple[str, ...], what: str, setting: str) -> str:
    """*uri*, if it is https on one of *hosts* (patterns of *setting*). Raises Refused naming *what* it is."""
    parts = urlsplit(uri)
    if parts.scheme != "https" or parts.username or not any(fnmatch(parts.netloc, pattern) for pattern in hosts):
        raise Refused(f"{what} {uri!r} is not on an allowed host; {setting} allows {', '.join(hosts)}")
    return uri
