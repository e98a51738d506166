"""A route of the HTTP API, and a request to one. `triggers.http.routes` has all routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import azure.functions as func

from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.failures import Refused
from shared.domain.teams.ownership import PLATFORM, WHOLE, Belonging, Scope
from shared.durable.starting import Client

if TYPE_CHECKING:
    from shared.clients import Clients


WHOLE_APP = "the whole app"
# What a route names of a team's, where teams share the app; other ways are those of `triggers.http.teams`.
IN_SCOPE = "nothing: the handler leaves out what is outside the caller's scope"
PLATFORM_ONLY = "what concerns every team"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """*path* is below `/api/v1`; *handler* takes an ApiRequest, and its name is the operation's.

    The handler's annotations say what else it takes (`query`, `body`, parameters of the path) and what it returns; a
    good response has *status*. *place* says where the places come from in which the action would happen: a way of
    `triggers.http.places`, or WHOLE_APP, for which a permission that is limited to some places is never enough. *team*
    says how the team is found that owns what the request names: a way of `triggers.http.teams`, IN_SCOPE or
    PLATFORM_ONLY. *lists* are the kinds of `shared.records.lists.rows` whose change markers tell of every change of the
    answer.
    """

    path: str
    method: str
    handler: Callable[..., Any]
    may: Action
    place: str
    team: str
    status: int = 200
    lists: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The operation, which is the Azure Function too."""
        return self.handler.__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request whose caller was verified and may do what the route lets them do, with what is inside *scope*.

    Where teams share the app, the configuration of *clients* has nothing else, and *owner* is the team that owns what
    the request names.
    """

    client: Client
    clients: Clients
    caller: Caller
    http: func.HttpRequest
    scope: Scope = WHOLE
    owner: str = PLATFORM

    def sees(self, kind: Belonging, name: str) -> bool:
        """Whether what *name* names is inside the caller's scope: what lists leave out otherwise."""
        return self.scope.whole or self.scope.covers(self.clients.configuration.team_of(kind, name))

    async def person(self) -> Caller | None:
        """The person for whom it asks: who calls, or whose token a machine shows. Four eyes rest on it.

        None where a machine asks for nobody. Raises Problem where the token that it shows is not accepted.
        """
        from triggers.http.exchange.problems import (
            Problem,  # Imported here, because registering the routes must stay cheap.
        )

        try:
            return await asyncio.to_thread(self.clients.callers.asker, self.caller, self.http.headers)
        except Refused as refusal:
            raise Problem(401, "not signed in", str(refusal)) from refusal


def requester_name(caller: Caller, person: Caller | None) -> str:
    """Who asks, in words: a machine is named beside the person for whom it asks."""
    if person is None:
        return f"{caller.name} (a machine, for nobody)"
    return person.name if person == caller else f"{person.name} (through {caller.name})"
