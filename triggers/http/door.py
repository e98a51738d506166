"""A door of the HTTP API: its route, the function behind it, and who may come in. A row must say who.

The function's own annotations say what it takes (`query`, `body`, parameters of the route) and what it gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import azure.functions as func

from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.durable.starting import Client

if TYPE_CHECKING:
    from shared.clients import Clients


WHOLE_APP = "the whole app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """*route* is below `/api/v1`; *name* is the function's; *status* is that of a good answer.

    *place* says where the places come from in which the action would happen: a way of `triggers.http.places`, or
    WHOLE_APP, for which a permission that is limited to some places is never enough. A row must say it.
    """

    route: str
    method: str
    name: str
    may: Action
    place: str
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request whose caller was verified and may do what the door lets them do."""

    client: Client
    clients: Clients
    caller: Caller
    req: func.HttpRequest
