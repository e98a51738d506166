"""Calls of the API from within, by the name of the operation: the same checks, the same handlers, no second way.

It stands alone, because it only translates; `triggers.http.dispatch` has the steps.
"""

import json
from collections.abc import Mapping
from typing import Any

import azure.functions as func

from shared.clients import Clients
from shared.domain.access.callers import Caller
from shared.durable.starting import Client
from triggers.http.api_route import ApiRoute
from triggers.http.dispatch import call
from triggers.http.routes import ROUTES

OPERATIONS: dict[str, ApiRoute] = {route.name: route for route in ROUTES}


async def api_call(
    client: Client,
    clients: Clients,
    caller: Caller,
    operation: str,
    parameters: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Any:
    """What the handler of *operation* answers *caller*. Raises Problem as the API does."""
    route = OPERATIONS[operation]
    http = func.HttpRequest(
        method=route.method,
        url=f"/api/v1/{route.path}",
        headers={"Content-Type": "application/json"},
        params=dict(query or {}),
        route_params=dict(parameters or {}),
        body=b"" if body is None else json.dumps(body).encode(),
    )
    return await call(route, client, clients, caller, http)
