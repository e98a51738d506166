"""Answers in JSON, and refusals as problem documents (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import azure.functions as func

from shared.domain.access.redaction import redacted, without_secrets
from shared.validation.requests import RequestFault

# An answer is data: no browser takes it for a page, keeps it, or shows it inside another.
SECURE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# A page that was made of what people and jobs wrote. Its own policy lets nothing run and nothing be fetched, and gives
# it an origin of its own, also where a browser opens it by itself.
_DOCUMENT = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    ),
    "Vary": "Accept",
}
_SHOWN = 20  # The most errors in one answer, which must not grow with the request.


class Problem(Exception):
    """A request that is refused: *detail* names the field, the value and the remedy, and *errors* all of them."""

    def __init__(self, status: int, title: str, detail: str, errors: Sequence[RequestFault] = ()) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.errors = status, title, detail, tuple(errors)

    @classmethod
    def of(cls, status: int, title: str, errors: Sequence[RequestFault]) -> "Problem":
        """Everything that is wrong with a request, as far as an answer goes."""
        return cls(status, title, "; ".join(map(str, errors[:_SHOWN])), errors[:_SHOWN])


def answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """*content* as JSON, with the headers that keep browsers from taking it for a page."""
    return func.HttpResponse(
        json.dumps(content, indent=2),
        status_code=status,
        mimetype="application/json",
        headers={**SECURE, **(headers or {})},
    )


def document(html: str, digest: str) -> func.HttpResponse:
    """*html* as it is kept, with the *digest* of what it shows in `Signalbox-Evidence`."""
    headers = {**SECURE, **_DOCUMENT, "Signalbox-Evidence": digest}
    return func.HttpResponse(html, status_code=200, mimetype="text/html", charset="utf-8", headers=headers)


def prefers_html(accept: str) -> bool:
    """Whether *accept* (RFC 9110, 12.5.1) puts HTML before JSON, as browsers do."""
    weights = dict(_weighed(part) for part in accept.split(","))
    anything = weights.get("*/*", 0.0)
    return weights.get("text/html", 0.0) > max(weights.get("application/json", 0.0), anything)


def _weighed(media_range: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in media_range.split(";"))
    weight = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
    try:
        return name.lower(), float(weight)
    except ValueError:
        return name.lower(), 0.0


def problem(refusal: Problem) -> func.HttpResponse:
    """The document of *refusal*, without any secret that the request had in it."""
    content: dict[str, Any] = {"type": "about:blank", "title": refusal.title, "status": refusal.status}
    content["detail"] = redacted(refusal.detail)  # A refusal quotes the request, which may hold a secret.
    if refusal.errors:
        content["errors"] = without_secrets([asdict(error) for error in refusal.errors])
    headers = SECURE | ({"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {})
    if refusal.status == 503:
        headers["Retry-After"] = "5"
    return func.HttpResponse(
        json.dumps(content, indent=2),
        status_code=refusal.status,
        mimetype="application/problem+json",
        headers=headers,
    )


def outside_scope() -> Problem:
    """The one answer for what is not there and for what belongs to somebody else."""
    return Problem(404, "not found", "nothing that your teams own is called so; the lists show what they own")
