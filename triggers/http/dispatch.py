"""The steps of every route: verify the caller, read the request, check the permission, call the handler."""

import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, get_type_hints

import azure.functions as func

from shared.clients import Clients
from shared.codec import encode
from shared.domain.access.callers import NOBODY, Caller
from shared.domain.access.permissions import Action
from shared.domain.access.redaction import redacted
from shared.domain.failures import Refused, Transient
from shared.domain.teams.ownership import PLATFORM, Scope
from shared.durable.deferred import load
from shared.durable.starting import Client
from shared.settings import SettingsError
from shared.telemetry.spans import receiving
from triggers.http import places, teams
from triggers.http.api_route import IN_SCOPE, ApiRequest, ApiRoute
from triggers.http.exchange.bodies import decode_body, decode_query, json_of
from triggers.http.exchange.conditional import answer_key, conditional, unless_unchanged
from triggers.http.exchange.idempotency import RepeatableAnswer, RequestedStart, begin, keep, request_digest
from triggers.http.exchange.problems import SECURE, Problem, answer, document, prefers_html, problem

PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a handler takes besides the request, and what it returns; None where it takes no body or no query."""

    function: Callable[..., Any]
    query: Any
    body: Any
    parameters: tuple[str, ...]
    response: Any

    @property
    def takes_key(self) -> bool:
        """Whether the route accepts an Idempotency-Key: only routes that start or record something do."""
        kind = self.response
        return kind is RequestedStart or (isinstance(kind, type) and issubclass(kind, RepeatableAnswer))


@cache
def signature(handler: Callable[..., Any]) -> Signature:
    """Read from the annotations of *handler*, whose module is imported now."""
    function = load(handler)
    hints = get_type_hints(function)
    _, *names = inspect.signature(function).parameters
    return Signature(
        function=function,
        query=hints.get("query"),
        body=hints.get("body"),
        parameters=tuple(name for name in names if name not in ("query", "body")),
        response=hints["return"],
    )


async def serve(
    route: ApiRoute, client: Client, clients: Callable[[], Clients], http: func.HttpRequest
) -> func.HttpResponse:
    """The response to *http*, a problem document where it is refused."""
    try:
        worker_clients, handler = clients(), signature(route.handler)
        if route.may is Action.ANYONE:
            caller = NOBODY
        else:
            caller = await asyncio.to_thread(_caller, route, worker_clients, http)
        request = ApiRequest(client=client, clients=worker_clients, caller=caller, http=http)
        request, arguments = await _permitted(route, handler, request)
        return await _respond(route, handler, request, arguments)
    except SettingsError as error:
        return problem(_settings_problem(error))
    except Problem as refusal:
        return problem(refusal)
    except Refused as refusal:
        return problem(Problem(422, "request refused", str(refusal)))
    except Transient as fault:
        return problem(Problem(503, "try again", str(fault)))


async def _respond(
    route: ApiRoute, handler: Signature, request: ApiRequest, arguments: Mapping[str, Any]
) -> func.HttpResponse:
    """The response of the handler; 304 where the caller has it already."""

    async def respond() -> func.HttpResponse:
        return _written(route, request.http, await _act(route, handler, request, arguments))

    if not route.lists:
        return conditional(request.http, await respond())
    key = answer_key(route, request)
    return await unless_unchanged(request.http, request.clients, route.lists, key, SECURE, respond)


def _written(route: ApiRoute, http: func.HttpRequest, content: Any) -> func.HttpResponse:
    """*content* as JSON, or as the page that it carries where the caller wants that."""
    if hasattr(content, "html") and prefers_html(http.headers.get("Accept") or ""):
        return document(content.html, content.digest)
    status = getattr(content, "http_status", route.status)
    return answer(status, encode(content), getattr(content, "headers", None))


def _settings_problem(error: SettingsError) -> Problem:
    """The settings by name only, since no caller was verified; the log has each value's problem."""
    _log.error("the app cannot start: %s", error)
    names = ", ".join(line.partition(" ")[0] for line in str(error).splitlines())
    return Problem(503, "wrong settings", f"these settings are missing or wrong, and the app's log says how: {names}")


async def _act(route: ApiRoute, handler: Signature, request: ApiRequest, arguments: Mapping[str, Any]) -> Any:
    """What the handler returns; where that is something to start, it is started here. All of it is in one span."""
    decide = partial(handler.function, request, **arguments)
    now, traceparent = request.clients.clock.now(), request.http.headers.get("traceparent", "")
    with receiving(f"{route.method} {route.path}", now, caller=traceparent):
        if handler.response is RequestedStart:
            return await begin(request, request_digest(route.name, arguments), decide)
        if handler.takes_key:
            return await keep(request, request_digest(route.name, arguments), handler.response, decide)
        if inspect.iscoroutinefunction(handler.function):
            return await decide()
        return await asyncio.to_thread(decide)  # A handler that only asks other services, which block.


def _caller(route: ApiRoute, clients: Clients, http: func.HttpRequest) -> Caller:
    """The caller, as the token or the key says. Raises Problem."""
    try:
        # This runs in a thread: the first token of a day fetches the issuer's keys, and that request must not hold up
        # the event loop on which all other requests are answered.
        return clients.callers.known(http.headers, http.params)
    except Refused as refusal:
        # An operator must see why callers are refused without asking them for the answer that they got.
        _log.warning("%s %s: a caller is refused: %s", route.method, route.path, redacted(str(refusal)))
        raise Problem(401, "not signed in", str(refusal)) from refusal


async def call(route: ApiRoute, client: Client, clients: Clients, caller: Caller, http: func.HttpRequest) -> Any:
    """What the handler of *route* answers *caller*, who was verified by a session, before it is written as JSON.

    The console has no way to data or actions but this one: a rule of the API cannot be left out there. Raises Problem.
    """
    handler = signature(route.handler)
    try:
        request = ApiRequest(client=client, clients=clients, caller=caller, http=http)
        request, arguments = await _permitted(route, handler, request)
        return await _act(route, handler, request, arguments)
    except Refused as refusal:
        raise Problem(422, "request refused", str(refusal)) from refusal
    except Transient as fault:
        raise Problem(503, "try again", str(fault)) from fault


async def _permitted(route: ApiRoute, handler: Signature, request: ApiRequest) -> tuple[ApiRequest, dict[str, Any]]:
    """*request* with what its caller may see alone, and the handler's arguments, once the caller may do this.

    Every request comes through here, whichever way its caller was verified. Raises Problem.
    """
    arguments = await asyncio.to_thread(_read, route, handler, request)
    if request.clients.configuration.teams:
        request = await _within_scope(route, request, arguments)
    return request, arguments


def _read(route: ApiRoute, handler: Signature, request: ApiRequest) -> dict[str, Any]:
    """The handler's arguments. Raises Problem.

    The request is read after the first look at permissions: a caller who may do this nowhere learns nothing of it.
    """
    permissions, caller = request.clients.configuration.permissions, request.caller
    if not permissions.allows_somewhere(caller, route.may):
        roles = permissions.who_may_somewhere(route.may)
        raise Problem(403, "not allowed", f"{caller.name} may not {route.may.value}; these may: {roles}")
    arguments = _arguments(handler, request.http)
    # Some places stand in the body (the route of an inference), so they are judged after it was read. The body is read
    # only for callers with a permission somewhere: an outsider must not learn from a 400 what the app understands.
    # With teams, `_within_scope` judges places once it knows whose they are.
    if route.may is not Action.ANYONE and not request.clients.configuration.teams:
        places.require(request.clients, caller, route.may, route.place, arguments)
    return arguments


async def _within_scope(route: ApiRoute, request: ApiRequest, arguments: Mapping[str, Any]) -> ApiRequest:
    """*request* with what its caller may see alone. Raises Problem where it names anything else."""
    clients, caller = request.clients, request.caller
    scope = Scope() if route.may is Action.ANYONE else teams.scope_of(clients, caller, route.may)
    owner = await teams.owner_in_scope(route, clients, request.client, scope, arguments)
    if route.may is not Action.ANYONE:
        owners = scope.teams | ({PLATFORM} if scope.whole else set()) if route.team == IN_SCOPE else {owner}
        judge = partial(places.allowed_teams, clients, caller, route.may, route.place, arguments, owners)
        allowed = await asyncio.to_thread(judge)
        scope = Scope(teams=allowed - {PLATFORM}, whole=scope.whole and (route.team != IN_SCOPE or PLATFORM in allowed))
    view = teams.clients_seen_by(clients, scope, owner)
    return replace(request, clients=view, scope=scope, owner=owner)


def _arguments(handler: Signature, http: func.HttpRequest) -> dict[str, Any]:
    arguments: dict[str, Any] = {name: _parameter(name, http.route_params[name]) for name in handler.parameters}
    if handler.query is not None:
        arguments["query"] = decode_query(handler.query, http.params)
    if handler.body is not None:
        raw = json_of(http)
        arguments["body"] = raw if handler.body is Any else decode_body(handler.body, raw)
    return arguments


def _parameter(name: str, value: str) -> str:
    """The parameter *name* of the path. Raises Problem unless it has the form of our names."""
    if not PARAMETER.fullmatch(value) or ".." in value:
        raise Problem(404, f"no such {name}", f"{name} {value[:60]!r} is no name of ours; list those there are")
    return value
