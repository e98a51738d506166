"""Read request bodies: a JSON object of a sane size, and its fields, refused by name where they do not fit."""

import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func

from triggers.problems import Problem

_BODY_LIMIT = 256 * 1024


def body_of(req: func.HttpRequest) -> dict[str, Any]:
    """The JSON object in the body, empty where there is none. Raises Problem."""
    raw = json_of(req)
    if not isinstance(raw, dict):
        raise Problem(400, "bad body", "the body must be a JSON object")
    return raw


def json_of(req: func.HttpRequest) -> Any:
    data = req.get_body()
    if len(data) > _BODY_LIMIT:
        raise Problem(413, "body too large", f"the body has {len(data)} bytes; send at most {_BODY_LIMIT}")
    try:
        return json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise Problem(400, "bad body", f"the body is not JSON: {error}") from error


def text(body: Mapping[str, Any], field: str) -> str:
    """The non-empty text called *field*. Raises Problem."""
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Problem(400, "bad body", f"field {field!r} is {value!r}; give a non-empty text")
    return value.strip()
