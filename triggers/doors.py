"""A door of the HTTP API: its route, the function behind it, and who may come in. A row must say who.

The function's own annotations say what it takes (`query`, `body`, parameters of the route) and what it gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import azure.functions as func

from shared.domain.callers import Caller
from shared.domain.permissions import Action
from shared.durable import Client

if TYPE_CHECKING:
    from shared.clients import Clients


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """*route* is below `/api/v1`; *name* is the function's; *inside* names how the environment concerned is found
    (`triggers.environments`); *status* is that of a good answer."""

    route: str
    method: str
    name: str
    may: Action
    inside: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request whose caller was verified and may do what the door lets them do."""

    client: Client
    clients: Clients
    caller: Caller
    req: func.HttpRequest
