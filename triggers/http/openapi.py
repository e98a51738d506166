"""The OpenAPI 3.1 document of the API, from the routes and their handlers' types. `python -m triggers.http.openapi`.

docs/openapi.json is its committed form; a test and `make check` compare the two.
"""

import json
import re
from functools import cache
from typing import Any

from shared.domain.access.permissions import Action
from shared.validation.schemas import NamedSchemas, schema_of
from triggers.http.dispatch import PARAMETER, Signature, signature
from triggers.http.door import Door
from triggers.http.idempotency import API, Accepted, Starting
from triggers.http.routes import DOORS

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457: `detail` names field, value and remedy; `errors` has every one of them.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("field", "value", "remedy")},
                "required": ["field", "value", "remedy"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
_MEANINGS = {
    400: "The body, the query or a header does not fit.",
    401: "Nobody is signed in, or the token or key is not accepted.",
    403: "The caller may not do this here.",
    404: "What is named is not there.",
    409: "It clashes with what is there, or the Idempotency-Key came with another request.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "It is understood, and refused.",
    503: "A service that this needs does not answer; try again.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key gives the same answer; with another request it is a 409. Send a UUID.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}


@cache
def document() -> dict[str, Any]:
    """The whole document; built once."""
    signatures = {door: signature(module, door.name) for module, doors in DOORS.items() for door in doors}
    bodies = {taken.body for taken in signatures.values() if taken.body is not None}
    schemas, paths = NamedSchemas(bodies, {_given(taken) for taken in signatures.values()}), dict[str, Any]()
    for door, taken in signatures.items():
        paths.setdefault(f"{API}/{door.route}", {})[door.method.lower()] = _operation(door, taken, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Signalbox", "version": "1", "description": "docs/http-api.md says how to live with it."},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**schemas.named, "Problem": _PROBLEM},
            "securitySchemes": {
                "directory": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "key": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
            },
        },
    }


def _operation(door: Door, taken: Signature, schemas: NamedSchemas) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": door.name, "summary": _summary(door, taken)}
    parameters = [*_in_path(taken), *_in_query(taken), *([_KEY] if taken.keyed else [])]
    if parameters:
        described["parameters"] = parameters
    if taken.body is not None:
        content = {"application/json": {"schema": schemas.of(taken.body, "validation")}}
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = _responses(door, taken, schemas)
    described["security"] = [] if door.may is Action.ANYONE else [{"directory": []}, {"key": []}]
    if door.may is not Action.ANYONE:
        described["x-permission"] = door.may.value
    return described


def _summary(door: Door, taken: Signature) -> str:
    words = door.name.replace("_", " ").capitalize()
    said = (taken.function.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return said or words


def _in_path(taken: Signature) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": f"^{PARAMETER.pattern}$"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in taken.parameters]


def _in_query(taken: Signature) -> list[dict[str, Any]]:
    schema = schema_of(taken.query) if taken.query is not None else {}
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": _present(parameter)}
        for name, parameter in schema.get("properties", {}).items()
    ]


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be absent is left out."""
    present: dict[str, Any] = schema["anyOf"][0] if "anyOf" in schema else schema
    return present


def _given(taken: Signature) -> Any:
    """The type of a good answer."""
    return Accepted if taken.gives is Starting else taken.gives


def _responses(door: Door, taken: Signature, schemas: NamedSchemas) -> dict[str, Any]:
    gives = _given(taken)
    good: dict[str, Any] = {
        "description": "Started: `Location` tells how it goes." if gives is Accepted else "Done.",
        "content": {"application/json": {"schema": schemas.of(gives)}},
    }
    if taken.keyed:
        text = {"schema": {"type": "string"}}
        good["headers"] = {"Location": text, "Retry-After": text}
    bad = {str(status): _refusal(status) for status in _refusals(door, taken)}
    if hasattr(gives, "http_status"):
        bad["503"]["content"] |= good["content"]
    return {str(door.status): good, **bad}


def _refusals(door: Door, taken: Signature) -> list[int]:
    found = {503} if door.may is Action.ANYONE else {401, 403, 422, 503}
    found |= {400, 409, 413, 415} if taken.body is not None else set()
    found |= {400} if taken.query is not None else set()
    if re.search(r"\{", door.route) or taken.body is not None or taken.query is not None:
        found.add(404)
    return sorted(found)


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _MEANINGS[status], "content": content}


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(text(), end="")
