"""The steps of every request to the console: find the page, read the session, check the form, call the API, render."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import azure.functions as func

from shared.application.sessions import RENEWED_AFTER, ConsoleSession
from shared.clients import Clients
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.failures import Refused, Transient
from shared.durable.deferred import load
from shared.durable.starting import Client
from shared.settings import SettingsError
from triggers.console.api_calls import OPERATIONS, api_call
from triggers.console.cookies import HELD, SESSION, cookie_of, with_cookie
from triggers.console.held_forms import HeldForm, held_form, hold
from triggers.console.own_addresses import base_of, below
from triggers.console.page import Elsewhere, FramedDocument, Page, PageForm, PageRequest
from triggers.console.pages import PAGES
from triggers.console.rendering import document_response, html_response
from triggers.console.request_checks import SAFE, intent_of, refuse_foreign
from triggers.console.sign_in import end_sign_in, sign_out, start_sign_in
from triggers.console.static_files import static_response
from triggers.http.dispatch import PARAMETER
from triggers.http.exchange.conditional import conditional, unless_unchanged
from triggers.http.exchange.problems import Problem
from triggers.http.teams import clients_seen_by, is_open_to, scope_of

_FORM_LIMIT = 64 * 1024
_JUST_NOW = timedelta(seconds=60)
_NUMBER = re.compile(r"-?[0-9]{1,9}")
EACH = "names"  # The field with the names of all things that a form is for.
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The page that a path leads to, and what stands in the path; *form* is what is sent there, None for a look."""

    page: Page
    parameters: Mapping[str, str]
    path: str
    form: PageForm | None = None


async def serve(client: Client, clients: Callable[[], Clients], http: func.HttpRequest) -> func.HttpResponse:
    """The response to *http*: a page, or one that says why there is none."""
    path = (http.route_params.get("path") or "").strip("/")
    if path.startswith("static/"):
        static = static_response(path.removeprefix("static/"), http.headers.get("Accept-Encoding") or "")
        return static or _failure(Problem(404, "no such file", "the console has no such file; load the page again"))
    base = ""
    try:
        worker_clients = clients()
        base = base_of(worker_clients.settings.console_url)
        if not worker_clients.settings.console_url:
            raise Problem(503, "not set up", "nobody can sign in: SIGNALBOX_CONSOLE_URL is not set")
        response = await _serve(client, worker_clients, http, path)
    except SettingsError as error:
        _log.error("the app cannot start: %s", error)
        response = _failure(Problem(503, "wrong settings", "a setting of the app is wrong; its log says which"))
    except Problem as problem:
        response = _failure(problem)
    except Refused as refusal:
        response = _failure(Problem(422, "refused", str(refusal)))
    except Transient as fault:
        response = _failure(Problem(503, "try again", str(fault)))
    return below(base, response)


async def _serve(client: Client, clients: Clients, http: func.HttpRequest, path: str) -> func.HttpResponse:
    if path == "sign-in":
        return await start_sign_in(clients, http)
    if path == "signed-in":
        return await end_sign_in(clients, http)
    if path == "signed-out":
        return html_response(200, "signed_out.html")
    is_safe = http.method in SAFE
    now, cookie = clients.clock.now(), cookie_of(http, SESSION)
    # A look believes what was just read: it costs no thread either, which a busy machine may be slow to wake.
    session = clients.sessions.remembered(cookie, now) if cookie and is_safe else None
    if session is None and cookie:
        session = await asyncio.to_thread(clients.sessions.read, cookie, now)
    if session is None:
        return _to_sign_in(clients, http, path, cookie)
    if not is_safe:
        refuse_foreign(http.headers, clients.settings.console_url)
    if path == "sign-out" and not is_safe:
        return await sign_out(clients, session)
    place = destination_of(path, is_safe)
    if place is None:
        raise Problem(404, "no such page", "the console has no such page; its navigation has those there are")
    request = page_request(client, clients, session, http, place)
    if is_safe and (held := held_form(clients, session, http, path)) is not None:
        request = replace(request, entered=held.entered, held=held.form)
    response = await (_sent(request, place, http) if place.form else _shown(request, place, http))
    # A page that asks by itself must not keep somebody signed in who has gone.
    is_own_poll = http.headers.get("Signalbox-Poll") == "1"
    if now - session.seen > RENEWED_AFTER and not is_own_poll:
        response = with_cookie(response, SESSION, clients.sessions.sealed(session, now))
    return response


def destination_of(path: str, is_safe: bool) -> Destination | None:
    """Where *path* leads; to a form only what changes something, and to a page only a look."""
    page_path, _, last = path.rpartition("/")
    for page in PAGES:
        if is_safe and (parameters := _fitting(page.path, path)) is not None:
            return Destination(page=page, parameters=parameters, path=path)
        form = next((form for form in page.forms if form.name == last), None)
        if not is_safe and form is not None and (parameters := _fitting(page.path, page_path)) is not None:
            return Destination(page=page, parameters=parameters, path=path, form=form)
    return None


def _fitting(template: str, path: str) -> dict[str, str] | None:
    """What stands in *path* for the parameters of *template*; None where it is another path."""
    names, values = template.split("/"), path.split("/")
    if len(names) != len(values):
        return None
    parameters = dict[str, str]()
    for name, value in zip(names, values, strict=True):
        if name.startswith("{") and PARAMETER.fullmatch(value):
            parameters[name.strip("{}")] = value
        elif name != value:
            return None
    return parameters


def _to_sign_in(clients: Clients, http: func.HttpRequest, path: str, cookie: str) -> func.HttpResponse:
    """To the sign-in and back; a page that asks by itself is told, so that nobody is led away while they type.

    What somebody sends whose session has ended is kept for them, if a page of ours has sent it.
    """
    if http.headers.get("Signalbox-Poll") == "1":
        raise Problem(401, "signed out", "you have been signed out; send what you typed, and sign in on the way")
    person = clients.sessions.person_of(cookie) if cookie else None
    place = destination_of(path, is_safe=False) if http.method not in SAFE else None
    if person is not None and place is not None and place.form is not None:
        refuse_foreign(http.headers, clients.settings.console_url)
        held = _held(clients, place, person, _entered(http))
        return hold(clients, held, person.upn, is_fresh=False)
    query = f"?{urlencode(dict(http.params))}" if http.params and http.method in SAFE else ""
    page = path if http.method in SAFE else path.rpartition("/")[0]
    address = f"/console/sign-in?to={quote(f'/console/{page}{query}', safe='')}"
    return func.HttpResponse(b"", status_code=303, headers={"Location": address, "Cache-Control": "no-store"})


def page_request(
    client: Client, clients: Clients, session: ConsoleSession, http: func.HttpRequest, place: Destination
) -> PageRequest:
    """What the page at *place* gets: its data by the API, and the configuration as the person may see it."""
    # The API finds by itself what is the person's to see. What a page takes from the configuration is cut here.
    api = partial(api_call, client, clients, session.person)
    return PageRequest(
        session=session,
        clients=clients_seen_by(clients, scope_of(clients, session.person, Action.READ)),
        api=api,
        parameters=place.parameters,
        query=dict(http.params),
        now=clients.clock.now(),
    )


async def _shown(request: PageRequest, place: Destination, http: func.HttpRequest) -> func.HttpResponse:
    lists, query = place.page.lists, sorted(request.query.items())
    if not lists:
        return conditional(http, await _rendered(request, place, 200))
    # The hour is part of it: the signatures of forms on the page are of the hour.
    written = [*query, *sorted(request.entered.items())]
    key = (f"console {place.path}", request.session.sid, f"{request.now:%H}", *(f"{n}={v}" for n, v in written))
    headers = {"Cache-Control": "private, no-store"}
    return await unless_unchanged(http, request.clients, lists, key, headers, lambda: _rendered(request, place, 200))


async def _rendered(request: PageRequest, place: Destination, status: int) -> func.HttpResponse:
    view = await load(place.page.show)(request)
    if isinstance(view, FramedDocument):
        return document_response(view)
    if isinstance(view, Elsewhere):
        return func.HttpResponse(b"", status_code=303, headers={"Location": view.address, "Cache-Control": "no-store"})
    form_path = f"/console/{_page_path(place)}"

    def token(form: str, bound: Mapping[str, str] | None = None) -> str:
        intent = intent_of(f"{form_path}/{form}", bound or {})
        return request.clients.sessions.form_token(request.session, intent, request.now)

    data: dict[str, Any] = {
        **view.data,
        "title": view.title,
        "moves": view.moves,
        "here": form_path,
        "page": place.page,
        "navigation": [page for page in PAGES if page.label and _may_do(request, page.reads[0])],
        "person": request.session.person,
        "until": request.session.until.isoformat(timespec="minutes"),
        "refusal": request.refusal,
        "entered": request.entered,
        "sent": place.form.name if place.form else request.held,
        "held": request.held,
        "done": _done(place, request.query),
        "token": token,
        "may": partial(_may_do, request),
        "query": request.query,
        **({"address": _address(place, request)} if request.refusal else {}),
        "now": request.now.isoformat(timespec="seconds"),
    }
    return html_response(status, view.template, **data)


async def _sent(request: PageRequest, place: Destination, http: func.HttpRequest) -> func.HttpResponse:
    """What a form asks for; then back to its page, so that a reload sends nothing again."""
    form, entered = place.form, _entered(http)
    assert form is not None
    bound = {name: entered.get(name, "") for name in form.bound}
    address = f"/console/{place.path}"
    sessions = request.clients.sessions
    if not sessions.is_form_token(request.session, intent_of(address, bound), entered.get("token", ""), request.now):
        reason = "the form is too old, or made for something else; look at the page again, and send it anew"
        return await _refused(request, place, entered, Problem(403, "not this form", reason))
    try:
        await _call(request, form, entered.get(EACH, "").split(), _body(form, entered))
    except Problem as problem:
        if problem.status == 503:
            raise
        # Whom the directory has just signed in, and who is refused all the same, would be sent there for ever.
        if problem.status == 401 and request.now - request.session.opened > _JUST_NOW:
            person = request.session.person
            return hold(request.clients, _held(request.clients, place, person, entered), person.upn, is_fresh=True)
        return await _refused(request, place, entered, problem)
    location = f"/console/{_page_path(place)}?{urlencode({'done': form.name})}"
    response = func.HttpResponse(b"", status_code=303, headers={"Location": location, "Cache-Control": "no-store"})
    return with_cookie(response, HELD, "", 0) if cookie_of(http, HELD) else response


async def _refused(
    request: PageRequest, place: Destination, entered: Mapping[str, str], problem: Problem
) -> func.HttpResponse:
    """The page again: what was typed stays on it, beside the sentence that says why it was not taken."""
    try:
        return await _rendered(replace(request, refusal=str(problem), entered=entered), place, problem.status)
    except Problem:  # The page's subject is not there, or not for this person.
        raise problem from None


def _held(clients: Clients, place: Destination, person: Caller, entered: Mapping[str, str]) -> HeldForm:
    assert place.form is not None
    return HeldForm(
        path=_page_path(place),
        form=place.form.name,
        oid=person.oid,
        at=clients.clock.now().isoformat(),
        entered={name: entered[name] for name in place.form.fields if name in entered},
    )


async def _call(request: PageRequest, form: PageForm, names: list[str], body: Mapping[str, Any]) -> None:
    """Ask the API for what the form is for. Raises Problem; where it is for several things, once all were tried."""
    if not form.each:
        await request.api(form.operation, request.parameters, body=body)
        return
    problems = dict[str, Problem]()
    for name in dict.fromkeys(names):
        try:
            await request.api(form.operation, {**request.parameters, form.each: name}, body=body)
        except Problem as problem:
            problems[name] = problem
    if problems or not names:
        statuses = {problem.status for problem in problems.values()}
        refusals = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        detail = f"{len(names) - len(problems)} of {len(names)} done. {refusals}"
        raise Problem(statuses.pop() if len(statuses) == 1 else 409, "not all", detail)


def _address(place: Destination, request: PageRequest) -> str:
    """Where the page of a refused form can be looked at: what the form is for is part of it."""
    bound = place.form.bound if place.form else ()
    query = urlencode({name: request.entered[name] for name in bound if request.entered.get(name)})
    return f"/console/{_page_path(place)}" + (f"?{query}" if query else "")


def _page_path(place: Destination) -> str:
    return place.path.removesuffix(f"/{place.form.name}") if place.form else place.path


def _entered(http: func.HttpRequest) -> dict[str, str]:
    """The fields of the form. Raises Problem for any other body."""
    kind = (http.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    raw = http.get_body()
    if kind != "application/x-www-form-urlencoded" or len(raw) > _FORM_LIMIT:
        raise Problem(400, "no form", "this takes a form of the console and nothing else")
    try:
        fields = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=50)
    except (ValueError, UnicodeDecodeError) as error:
        raise Problem(400, "no form", f"the form cannot be read: {error}") from error
    return {name: value.replace("\r\n", "\n").strip() for name, value in fields}


def _body(form: PageForm, entered: Mapping[str, str]) -> dict[str, Any]:
    """What was *entered* as the body that the operation takes; an empty field is left out."""
    body = dict[str, Any]()
    for name in form.fields:
        if entered.get(name):
            section, _, field = name.rpartition(".")
            place = body.setdefault(section, {}) if section else body
            place[field] = _plain(entered[name], name in form.numbers)
    return body


def _plain(value: str, is_number: bool = False) -> Any:
    """Forms have texts alone; the API's true and false are no texts, and some of its fields are whole numbers."""
    if is_number and _NUMBER.fullmatch(value):
        return int(value)
    return {"true": True, "false": False}.get(value, value)


def _done(place: Destination, query: Mapping[str, str]) -> str:
    """What the form that has led here has done: one of our own sentences, whatever the address says."""
    return next((form.done for form in place.page.forms if form.name == query.get("done")), "")


def _may_do(request: PageRequest, operation: str) -> bool:
    """Whether a page or a form for *operation* is offered: the API decides once more when it is asked."""
    return is_open_to(OPERATIONS[operation], request.clients, request.session.person)


def _failure(problem: Problem) -> func.HttpResponse:
    return html_response(
        problem.status, "problem.html", title=problem.title, detail=str(problem), status=problem.status
    )
