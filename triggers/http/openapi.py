"""The OpenAPI 3.1 document of the API, from the routes and their handlers' types. `python -m triggers.http.openapi`.

docs/openapi.json is its committed form; a test and `make check` compare the two.
"""

import json
import re
from functools import cache
from typing import Any

from shared.domain.access.permissions import Action
from shared.validation.schemas import NamedSchemas, schema_of
from triggers.http.api_route import ApiRoute
from triggers.http.dispatch import PARAMETER, Signature, signature
from triggers.http.exchange.idempotency import API, Accepted, RequestedStart
from triggers.http.routes import ROUTES

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
    409: "It contradicts the present state, or the Idempotency-Key came with another request.",
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
    handlers = {route: signature(route.handler) for route in ROUTES}
    bodies = {handler.body for handler in handlers.values() if handler.body is not None}
    schemas, paths = NamedSchemas(bodies, {_response(handler) for handler in handlers.values()}), dict[str, Any]()
    for route, handler in handlers.items():
        paths.setdefault(f"{API}/{route.path}", {})[route.method.lower()] = _operation(route, handler, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Signalbox", "version": "1", "description": "docs/http-api.md describes how to use it."},
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


def _operation(route: ApiRoute, handler: Signature, schemas: NamedSchemas) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.name, "summary": _summary(route, handler)}
    parameters = [*_in_path(handler), *_in_query(handler), *([_KEY] if handler.takes_key else [])]
    if parameters:
        operation["parameters"] = parameters
    if handler.body is not None:
        content = {"application/json": {"schema": schemas.of(handler.body, "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = _responses(route, handler, schemas)
    operation["security"] = [] if route.may is Action.ANYONE else [{"directory": []}, {"key": []}]
    if route.may is not Action.ANYONE:
        operation["x-permission"] = route.may.value
    return operation


def _summary(route: ApiRoute, handler: Signature) -> str:
    words = route.name.replace("_", " ").capitalize()
    sentence = (handler.function.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return sentence or words


def _in_path(handler: Signature) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": f"^{PARAMETER.pattern}$"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in handler.parameters]


def _in_query(handler: Signature) -> list[dict[str, Any]]:
    schema = schema_of(handler.query) if handler.query is not None else {}
    required_names = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required_names, "schema": _present(parameter)}
        for name, parameter in schema.get("properties", {}).items()
    ]


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be absent is left out."""
    present: dict[str, Any] = schema["anyOf"][0] if "anyOf" in schema else schema
    return present


def _response(handler: Signature) -> Any:
    """The type of a good response."""
    return Accepted if handler.response is RequestedStart else handler.response


def _responses(route: ApiRoute, handler: Signature, schemas: NamedSchemas) -> dict[str, Any]:
    response = _response(handler)
    good: dict[str, Any] = {
        "description": "Started: `Location` tells how it goes." if response is Accepted else "Done.",
        "content": {"application/json": {"schema": schemas.of(response)}},
    }
    if handler.takes_key:
        text = {"schema": {"type": "string"}}
        good["headers"] = {"Location": text, "Retry-After": text}
    bad = {str(status): _refusal(status) for status in _refusals(route, handler)}
    if hasattr(response, "http_status"):
        bad["503"]["content"] |= good["content"]
    return {str(route.status): good, **bad}


def _refusals(route: ApiRoute, handler: Signature) -> list[int]:
    statuses = {503} if route.may is Action.ANYONE else {401, 403, 422, 503}
    statuses |= {400, 409, 413, 415} if handler.body is not None else set()
    statuses |= {400} if handler.query is not None else set()
    if re.search(r"\{", route.path) or handler.body is not None or handler.query is not None:
        statuses.add(404)
    return sorted(statuses)


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _MEANINGS[status], "content": content}


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(text(), end="")
