"""The console's own addresses, where a reverse proxy serves it below a path: written in one place, as pages leave.

Everything in the app says `/console/...`. What browsers must add before it follows from `SIGNALBOX_CONSOLE_URL`, never
from a header, which anybody can send. It stands alone, so that no page knows of it.
"""

import re
from urllib.parse import urlsplit

import azure.functions as func

from triggers.console.rendering import POLICY

_OWN = "/console"
# Values are escaped, so that a quote inside a tag is always the template's: no text of a page can look like this.
_ATTRIBUTE = re.compile(rb'(\s(?:href|src|action|data-address)=")(?=/console[/"?#])')


def base_of(console_url: str) -> str:
    """What stands before `/console` in *console_url*: empty, or a path without its last slash."""
    return urlsplit(console_url).path.removesuffix(_OWN)


def below(base: str, response: func.HttpResponse) -> func.HttpResponse:
    """*response* with its redirect, its links and its forms below *base*; documents of others stay as they are."""
    if not base:
        return response
    if response.headers.get("Location", "").startswith(f"{_OWN}/"):
        response.headers["Location"] = f"{base}{response.headers['Location']}"
    if response.headers.get("Content-Security-Policy") != POLICY or not response.get_body():
        return response
    body = _ATTRIBUTE.sub(rb"\g<1>" + base.encode(), response.get_body())
    return func.HttpResponse(
        body,
        status_code=response.status_code,
        headers=response.headers,
        mimetype=response.mimetype,
        charset=response.charset,
    )
