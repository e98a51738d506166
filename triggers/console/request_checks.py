"""Whether a request that changes something was sent from a page of ours: what the browser says of it, and its form."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from triggers.http.exchange.problems import Problem

SAFE = ("GET", "HEAD")


def refuse_foreign(headers: Mapping[str, str], console_url: str) -> None:
    """Raises Problem unless the browser says that a page of this very origin has sent it.

    Fetch metadata count, and where a browser sends none, the Origin. `same-site` is not enough: cookies are sent from
    every port of a host, and from sibling domains.
    """
    site = headers.get("Sec-Fetch-Site")
    parts = urlsplit(console_url)
    is_own = site == "same-origin" if site else headers.get("Origin") == f"{parts.scheme}://{parts.netloc}"
    if not is_own:
        raise Problem(403, "not from here", "no page of the console has sent the form; open its page and try again")


def safe_path(to: str) -> str:
    """*to* as a path of the console; the first page where it leads anywhere else."""
    parts = urlsplit(to)
    # A browser takes `//host`, `/\\host` and a tab inside for another host: only what needs no reading is let through.
    is_plain = to.isascii() and to.isprintable() and "\\" not in to and " " not in to
    if not is_plain or parts.scheme or parts.netloc or not to.startswith("/console/") or ".." in parts.path:
        return "/console/"
    return to


def intent_of(path: str, bound: Mapping[str, str]) -> str:
    """What the signature of a form is for: its address, and the values that the person was shown."""
    return f"{path}?{urlencode(sorted(bound.items()))}"  # No value can look like another name.
