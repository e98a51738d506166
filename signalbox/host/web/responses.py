"""HTTP responses of functions, written as the real host writes them: its cookies are those of ASP.NET.

Source: ResponseCookies and SetCookieHeaderValue of ASP.NET; HttpBinding.SetResponse of azure-functions-host.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import quote

from aiohttp import web
from azure.functions.meta import Datum


def to_response(datum: Datum) -> web.Response:
    """The response for what a function has answered: an HTTP response, or the data of another output binding."""
    match datum.type:
        case "string":
            return web.Response(text=datum.value)
        case "bytes":
            return web.json_response(base64.b64encode(datum.value).decode())
        case "json":
            return _from_json(json.loads(datum.value))
    value = datum.value
    response = web.Response(
        status=int(value["status_code"].value),
        body=value["body"].value,
        headers={name: header.value for name, header in value["headers"].items()},
    )
    for line in value["cookies"]:
        response.headers.add("Set-Cookie", line)
    return response


def _from_json(value: Any) -> web.Response:
    """An object with a body stands for that body: so it is with a queue's message."""
    if isinstance(value, dict):
        value = next((part for name, part in value.items() if name.lower() == "body"), value)
    return web.Response(text=value) if isinstance(value, str) else web.json_response(value)


def cookie_lines(jars: Iterable[SimpleCookie]) -> list[str]:
    """The value of a `Set-Cookie` header for each cookie. Raises ValueError on a time that cannot be read."""
    return [_line(name, morsel) for jar in jars for name, morsel in jar.items()]


def _line(name: str, morsel: Morsel[str]) -> str:
    parts = [f"{name}={quote(morsel.value, safe='')}"]
    if morsel["expires"]:
        parts.append(f"expires={_moment(name, morsel['expires'])}")
    if morsel["max-age"]:
        parts.append(f"max-age={int(float(morsel['max-age']))}")
    if morsel["domain"]:
        parts.append(f"domain={morsel['domain']}")
    parts.append(f"path={morsel['path']}")
    if morsel["secure"]:
        parts.append("secure")
    if morsel["samesite"].lower() in ("strict", "lax", "none"):
        parts.append(f"samesite={morsel['samesite'].lower()}")
    if morsel["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)


def _moment(name: str, text: str) -> str:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        raise ValueError(f"the cookie {name!r} expires at {text!r}, which is no time") from None
    return format_datetime(moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC), usegmt=True)
