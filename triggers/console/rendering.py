"""Pages as HTML: the templates, what they may call, and the headers of every page."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import azure.functions as func
import jinja2

from shared.domain import identity
from shared.domain.counts import counted
from shared.domain.statistics.sequential.verdicts import evidence_text
from triggers.console.page import FramedDocument
from triggers.console.static_files import version
from triggers.http.exchange.problems import document

# Nothing inline, nothing of another host, no frame around us. `form-action` is of ours alone: signing in is a link.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PLACES = ("cursor", "after")  # Where a page of a list begins: in another order that is elsewhere.
SECURE = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def html_response(status: int, template: str, /, **data: Any) -> func.HttpResponse:
    """The page that *template* makes of *data*."""
    text = environment().get_template(template).render(**data)
    return func.HttpResponse(text, status_code=status, mimetype="text/html", charset="utf-8", headers=dict(SECURE))


def document_response(shown: FramedDocument) -> func.HttpResponse:
    """A page that was made elsewhere, in a frame of ours."""
    return document(shown.html, shown.digest)


@cache
def environment() -> jinja2.Environment:
    """Every value is escaped, and a name that a template does not know is an error."""
    loader = jinja2.PackageLoader("triggers.console", "templates")
    templates = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.globals["static"] = f"/console/static/{version()}"
    templates.filters |= {
        "digest": identity.digest,  # Of what is shown: whether it is still the same where somebody decides on it.
        "moment": moment,
        "day": day,
        "plain_json": plain_json,
        "duration": duration,
        "seconds": seconds_in_words,
        "whereabouts": whereabouts,
        "e_value": evidence_text,
        "rough": rough,
        "counted": counted_in_thousands,
        "reordered": reordered,
    }
    return templates


def moment(text: str) -> str:
    """A time of a record (ISO 8601) for people, in UTC; the page's script adds how long ago that is."""
    if not text:
        return ""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def counted_in_thousands(number: int, noun: str, plural: str = "") -> str:
    """As `counted` says it, with the thousands set off by commas."""
    return f"{number:,}{counted(number, noun, plural).removeprefix(str(number))}"


def reordered(filters: Mapping[str, str], param: str, sort: str) -> str:
    """The query of a list with *filters* in the order *sort*, from its first page on."""
    return urlencode({name: text for name, text in filters.items() if name not in (param, *_PLACES)} | {param: sort})


def day(text: str) -> str:
    return text[:10]


def plain_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def whereabouts(place: str) -> str:
    """A place as the API's `me` calls it, in words: an environment or everywhere, and of which team alone."""
    team, _, name = place.rpartition(":")
    words = "everywhere" if name == "all" else name
    return f"{words} for {team}" if team else words


def rough(number: float) -> str:
    """An estimate, with the digits that it knows."""
    return f"{number:.3g}"


def duration(since: str, until: str) -> str:
    """How long it took, in words; empty where either is not known."""
    if not since or not until:
        return ""
    return in_words((datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())


def seconds_in_words(seconds: float) -> str:
    """A configured time: the largest unit of which it is a whole number."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def in_words(seconds: float) -> str:
    """A time that was measured, as exactly as people ask for it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} d"
