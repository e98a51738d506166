"""Every route of the HTTP API, from its OpenAPI document."""

import json
from pathlib import Path
from typing import Any

from website.reference.markdown import code, table
from website.reference.schemas import kind_of, limits_of, properties_of

_INTRODUCTION = """\
# Every route of the HTTP API

Generated from the API's OpenAPI document, which the app serves at `GET /api/v1/openapi.json`.
[HTTP API](../http-api.md) says who may call, how repeated requests are recognised, and how refusals look.
"""
_METHODS = ("get", "post", "put", "patch", "delete")


def page(project: Path) -> str:
    """The page: the routes by their paths, then the bodies that they take and return."""
    document = json.loads((project / "docs" / "openapi.json").read_text(encoding="utf-8"))
    routes = [
        _route(method, path, operation)
        for path, methods in sorted(document["paths"].items())
        for method, operation in methods.items()
        if method in _METHODS
    ]
    bodies = [_body(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return "\n".join([_INTRODUCTION, "## Routes\n", *routes, "## Bodies\n", *bodies])


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    permission = operation.get("x-permission")
    needs = f" Needs the permission `{permission}`." if permission else ""
    lines = [f"### {method.upper()} {path.removeprefix('/api/v1/')}\n", f"{operation.get('summary', '')}.{needs}\n"]
    parameters = [
        (code(row["name"]), row["in"], kind_of(row["schema"]), limits_of(row["schema"]))
        for row in operation.get("parameters", ())
    ]
    if parameters:
        lines.append(table(("parameter", "in", "value", "limits"), parameters))
    if "requestBody" in operation:
        lines.append(f"Takes {_content(operation['requestBody'])}.\n")
    answers = {status: answer for status, answer in operation["responses"].items() if status < "300"}
    lines += [f"Returns {status}: {_content(answer)}.\n" for status, answer in answers.items()]
    refusals = [status for status in operation["responses"] if status >= "300"]
    lines.append(f"Refuses with {', '.join(refusals)}: [errors](errors.md#refusals-of-the-http-api).\n")
    return "\n".join(lines)


def _content(holder: dict[str, Any]) -> str:
    """What a body has in it."""
    schemas = [content.get("schema", {}) for content in holder.get("content", {}).values()]
    return " or ".join(kind_of(schema) for schema in schemas) or "nothing"


def _body(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (code(field) + (" (required)" if field in required else ""), kind_of(value), limits_of(value))
        for field, value in properties_of(schema).items()
    ]
    body = table(("field", "value", "limits"), rows) if rows else f"{kind_of(schema)}\n"
    return f"### {name}\n\n{schema.get('description', '')}\n\n{body}"
