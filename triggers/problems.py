"""Answers in JSON, and refusals as problem documents (RFC 9457)."""

import json
from typing import Any

import azure.functions as func


class Problem(Exception):
    """A request that is refused: *detail* names the field, the value and the remedy."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


def answer(status: int, content: Any) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(content, indent=2), status_code=status, mimetype="application/json")


def problem(refused: Problem) -> func.HttpResponse:
    content = {"type": "about:blank", "title": refused.title, "status": refused.status, "detail": refused.detail}
    return func.HttpResponse(
        json.dumps(content, indent=2), status_code=refused.status, mimetype="application/problem+json"
    )
