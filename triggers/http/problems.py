"""Answers in JSON, and refusals as problem documents (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import azure.functions as func

from shared.domain.access.redaction import redacted, without_secrets
from shared.validation.requests import RequestFault

# An answer is data: no browser takes it for a page, keeps it, or shows it inside another.
_SECURE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
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
        headers={**_SECURE, **(headers or {})},
    )


def problem(refusal: Problem) -> func.HttpResponse:
    """The document of *refusal*, without any secret that the request had in it."""
    content: dict[str, Any] = {"type": "about:blank", "title": refusal.title, "status": refusal.status}
    content["detail"] = redacted(refusal.detail)  # A refusal quotes the request, which may hold a secret.
    if refusal.errors:
        content["errors"] = without_secrets([asdict(error) for error in refusal.errors])
    headers = _SECURE | ({"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {})
    if refusal.status == 503:
        headers["Retry-After"] = "5"
    return func.HttpResponse(
        json.dumps(content, indent=2),
        status_code=refusal.status,
        mimetype="application/problem+json",
        headers=headers,
    )
