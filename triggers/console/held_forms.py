"""A form that could not be sent because its person has to sign in first: their browser keeps it, sealed, meanwhile.

After the sign-in its page shows what was written. Nothing is sent by itself: who signs in looks at it once more.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from urllib.parse import urlencode

import azure.functions as func

from shared.application.sessions import SIGN_IN_LASTS, ConsoleSession
from shared.clients import Clients
from shared.records.store import read_json
from triggers.console.cookies import HELD, cookie_of, with_cookie
from triggers.http.exchange.problems import Problem

_PURPOSE = "console held form"
_MOST = 3800  # A browser takes 4096 characters with name and attributes.


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldForm:
    """What *oid* has written into *form* of the page at *path*, at the time *at* (ISO 8601)."""

    path: str
    form: str
    oid: str
    at: str
    entered: Mapping[str, str] = field(default_factory=dict)


def hold(clients: Clients, held: HeldForm, hint: str, is_fresh: bool) -> func.HttpResponse:
    """To the sign-in, and back to the page of *held*. Raises Problem where the browser could not keep it.

    *is_fresh*: the directory asks who it is, whomever it knows already.
    """
    sealed = clients.sealer.seal(_PURPOSE, json.dumps(asdict(held), ensure_ascii=False))
    if len(sealed) > _MOST:
        written = held.entered.get("reason", "")
        raise Problem(401, "sign in again", f"sign in again and send this once more; you wrote: {written}")
    query = {"to": f"/console/{held.path}", "hint": hint, **({"fresh": "1"} if is_fresh else {})}
    headers = {"Location": f"/console/sign-in?{urlencode(query)}", "Cache-Control": "no-store"}
    response = func.HttpResponse(b"", status_code=303, headers=headers)
    return with_cookie(response, HELD, sealed, int(SIGN_IN_LASTS.total_seconds()))


def held_form(clients: Clients, session: ConsoleSession, http: func.HttpRequest, path: str) -> HeldForm | None:
    """What the person of *session* has written for the page at *path*, and not sent yet."""
    cookie = cookie_of(http, HELD)
    text = clients.sealer.unseal(_PURPOSE, cookie) if cookie else None
    held = HeldForm(**read_json(text.encode())) if text is not None else None
    if held is None or clients.clock.now() - datetime.fromisoformat(held.at) > SIGN_IN_LASTS:
        return None
    return held if (held.path, held.oid) == (path, session.person.oid) else None
