"""Signing in and out: to the directory and back, with the code flow, and the session that follows."""

import asyncio
import logging
from functools import partial

import azure.functions as func

from shared.application.sessions import SIGN_IN_LASTS, ConsoleSession
from shared.clients import Clients
from shared.domain.access.callers import Caller, CallerKind
from shared.domain.failures import Refused
from triggers.console.cookies import FLOW, SESSION, cookie_of, with_cookie
from triggers.console.rendering import html_response
from triggers.console.request_checks import safe_path

_log = logging.getLogger(__name__)


async def start_sign_in(clients: Clients, http: func.HttpRequest) -> func.HttpResponse:
    """To the directory; `to` is where the browser comes back to. A hint names a person, and chooses nobody."""
    to, hint = safe_path(http.params.get("to") or ""), http.params.get("hint") or ""
    request, sealed = clients.sessions.begin(to, clients.clock.now())
    is_fresh = http.params.get("fresh") == "1"
    address = partial(clients.sign_in.address, request, _back(clients), hint[:200], is_fresh)
    response = _redirect(await asyncio.to_thread(address))
    return with_cookie(response, FLOW, sealed, int(SIGN_IN_LASTS.total_seconds()))


async def end_sign_in(clients: Clients, http: func.HttpRequest) -> func.HttpResponse:
    """Back from the directory: the code is redeemed once, and a session opened for the person alone."""
    now, code, state = clients.clock.now(), http.params.get("code") or "", http.params.get("state") or ""
    request = clients.sessions.begun(cookie_of(http, FLOW), state, now)
    if request is None:
        return _refused("this sign-in was not begun in this browser, or too long ago")
    if http.params.get("error"):
        return _refused("the directory has not signed you in: it was declined, or you may not use this application")
    try:
        signed_in = await asyncio.to_thread(clients.sign_in.redeem, request, _back(clients), code)
    except Refused as refusal:
        _log.warning("a sign-in is refused: %s", refusal)
        return _refused("the directory's answer is not accepted; the log of the app says why")
    if Caller.of(signed_in.person).kind is not CallerKind.PERSON:
        return _refused("only people sign in here; machines use the API")
    session = await asyncio.to_thread(clients.sessions.open, signed_in, now)
    _log.info("%s has signed in to the console", session.person.name)
    response = _redirect(request.to)
    with_cookie(response, SESSION, clients.sessions.sealed(session, now))
    return with_cookie(response, FLOW, "", 0)


async def sign_out(clients: Clients, session: ConsoleSession) -> func.HttpResponse:
    """End the session on record: its cookie is worthless from now on, wherever it is."""
    await asyncio.to_thread(clients.sessions.end, session, clients.clock.now())
    address = await asyncio.to_thread(clients.sign_in.sign_out_address, f"{clients.settings.console_url}/signed-out")
    response = html_response(200, "signed_out.html", directory=address)
    return with_cookie(response, SESSION, "", 0)


def _back(clients: Clients) -> str:
    """Where the directory sends browsers: from a setting, since a request can name any host."""
    return f"{clients.settings.console_url}/signed-in"


def _redirect(address: str) -> func.HttpResponse:
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return func.HttpResponse(b"", status_code=303, headers=headers)


def _refused(because: str) -> func.HttpResponse:
    response = html_response(403, "problem.html", title="You are not signed in", detail=because, status=403)
    return with_cookie(response, FLOW, "", 0)
