"""The console's three cookies. `__Host-` keeps them to this very host, over TLS, and to the whole of it.

They stand alone, because the sign-in and every page use them.
"""

from http.cookies import CookieError, SimpleCookie

import azure.functions as func

SESSION, FLOW, HELD = "__Host-sb", "__Host-sb-flow", "__Host-sb-held"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"


def cookie_of(http: func.HttpRequest, name: str) -> str:
    """The value of the cookie *name*; empty where the browser has none."""
    try:
        jar = SimpleCookie(http.headers.get("Cookie") or "")
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def with_cookie(response: func.HttpResponse, name: str, value: str, seconds: int | None = None) -> func.HttpResponse:
    """*response*, which sets the cookie for *seconds*, or for as long as the browser is open; 0 removes it."""
    life = "" if seconds is None else f"; Max-Age={seconds}"
    response.headers.add("Set-Cookie", f"{name}={value}{life}; {_ATTRIBUTES}")
    return response
