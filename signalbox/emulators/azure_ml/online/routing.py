"""Which deployment answers a request, and which one gets a copy of it: drawn by the shares of the traffic.

Azure does not document whether a request or a connection is the unit of its routing: both can be set.
"""

import uuid
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.online.conditions import Conditions


@dataclass(slots=True, kw_only=True)
class Connection:
    """A caller's connection, and what was drawn for it by endpoint."""

    id: str
    choices: dict[str, str] = field(default_factory=dict)


class Router:
    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._connections = weakref.WeakKeyDictionary[Any, Connection]()

    def connection(self, request: web.Request) -> Connection:
        if request.transport is None:  # The caller has gone.
            return Connection(id=str(uuid.uuid4()))
        return self._connections.setdefault(request.transport, Connection(id=str(uuid.uuid4())))

    def choose(self, endpoint: Mapping[str, Any], connection: Connection) -> str:
        """A deployment by its share of the traffic; empty where none has any."""
        routing, name = self._conditions.routing, endpoint["name"]
        traffic: dict[str, int] = endpoint["properties"]["traffic"]
        weights = {key: share * routing.skew.get(key, 1.0) for key, share in traffic.items() if share}
        if not any(weights.values()):
            return ""
        if routing.per == "connection" and weights.get(connection.choices.get(name, "")):
            return connection.choices[name]
        draws = self._conditions.draws(f"{name}/traffic")
        connection.choices[name] = draws.choices(list(weights), list(weights.values()))[0]
        return connection.choices[name]

    def mirror(self, endpoint: Mapping[str, Any]) -> str:
        """The deployment that gets a copy of this request; empty for most of them."""
        shares: dict[str, int] = endpoint["properties"]["mirrorTraffic"]
        deployment = next((name for name, share in shares.items() if share), "")
        drawn_share = self._conditions.draws(f"{endpoint['name']}/mirror").uniform(0, 100)
        return deployment if drawn_share < shares.get(deployment, 0) else ""
