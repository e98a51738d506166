"""What happens at every door: the caller is verified, what they send is read, and what they may not do is refused."""

import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import Any, get_type_hints

import azure.functions as func

from shared.clients import Clients
from shared.codec import encode
from shared.domain.access.callers import NOBODY, Caller
from shared.domain.access.permissions import Action
from shared.domain.failures import Refused, Transient
from shared.durable.starting import Client
from shared.settings import SettingsError
from shared.telemetry.spans import receiving
from triggers.http import places as environments
from triggers.http.bodies import decoded, json_of, queried
from triggers.http.door import Call, Door
from triggers.http.idempotency import RepeatableAnswer, Starting, begin, keep, request_digest
from triggers.http.problems import Problem, answer, problem

PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a door's function takes besides the call, and what it gives; None where it takes no body or query."""

    function: Callable[..., Any]
    query: Any
    body: Any
    parameters: tuple[str, ...]
    gives: Any

    @property
    def keyed(self) -> bool:
        """Whether an Idempotency-Key counts here."""
        return self.gives is Starting or (isinstance(self.gives, type) and issubclass(self.gives, RepeatableAnswer))


@cache
def signature(module: str, name: str) -> Signature:
    """Read from the annotations of the function *name* of *module*."""
    function = getattr(import_module(module), name)
    hints = get_type_hints(function)
    _, *taken = inspect.signature(function).parameters
    return Signature(
        function=function,
        query=hints.get("query"),
        body=hints.get("body"),
        parameters=tuple(each for each in taken if each not in ("query", "body")),
        gives=hints["return"],
    )


async def serve(
    door: Door, module: str, client: Client, clients: Callable[[], Clients], req: func.HttpRequest
) -> func.HttpResponse:
    """The answer to *req*, a problem document where it is refused."""
    try:
        made, taken = clients(), signature(module, door.name)
        if door.may is Action.ANYONE:
            caller, arguments = NOBODY, _arguments(taken, req)
        else:
            caller, arguments = await asyncio.to_thread(_admit, door, taken, made, req)
        given = await _act(door, taken, Call(client=client, clients=made, caller=caller, req=req), arguments)
    except SettingsError as error:
        return problem(_unsettled(error))
    except Problem as refused:
        return problem(refused)
    except Refused as refusal:
        return problem(Problem(422, "refused", str(refusal)))
    except Transient as fault:
        return problem(Problem(503, "try again", str(fault)))
    return answer(getattr(given, "http_status", door.status), encode(given), getattr(given, "headers", None))


def _unsettled(error: SettingsError) -> Problem:
    """By name only, since nobody has been asked who they are; the log has each value's problem."""
    _log.error("the app cannot start: %s", error)
    names = ", ".join(line.partition(" ")[0] for line in str(error).splitlines())
    return Problem(503, "settings", f"these settings are missing or wrong, and the app's log says how: {names}")


async def _act(door: Door, taken: Signature, call: Call, arguments: Mapping[str, Any]) -> Any:
    """What the function gives; where that is something to start, it is started here. All of it knows its door."""
    decide = partial(taken.function, call, **arguments)
    now, traceparent = call.clients.clock.now(), call.req.headers.get("traceparent", "")
    with receiving(f"{door.method} {door.route}", now, caller=traceparent):
        if taken.gives is Starting:
            return await begin(call, request_digest(door.name, arguments), decide)
        if taken.keyed:
            return await keep(call, request_digest(door.name, arguments), taken.gives, decide)
        return await decide()


def _admit(door: Door, taken: Signature, clients: Clients, req: func.HttpRequest) -> tuple[Caller, dict[str, Any]]:
    """The caller, once they may do what they ask for, and what that is; who may do it nowhere learns no more."""
    try:
        caller = clients.callers.known(req.headers, req.params)
    except Refused as refusal:
        raise Problem(401, "who are you", str(refusal)) from refusal
    allowed = clients.configuration.permissions
    if not allowed.allows_somewhere(caller, door.may):
        who = allowed.who_may_somewhere(door.may)
        raise Problem(403, "not allowed", f"{caller.name} may not {door.may.value}; these may: {who}")
    arguments = _arguments(taken, req)
    environments.require(clients, caller, door.may, door.place, arguments)
    return caller, arguments


def _arguments(taken: Signature, req: func.HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = {name: _parameter(name, req.route_params[name]) for name in taken.parameters}
    if taken.query is not None:
        found["query"] = queried(taken.query, req.params)
    if taken.body is not None:
        raw = json_of(req)
        found["body"] = raw if taken.body is Any else decoded(taken.body, raw)
    return found


def _parameter(name: str, value: str) -> str:
    """A name of ours in the address: nothing else is looked for in the records."""
    if not PARAMETER.fullmatch(value) or ".." in value:
        raise Problem(404, f"no such {name}", f"{name} {value[:60]!r} is no name of ours; list those there are")
    return value
