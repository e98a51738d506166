"""Copy a part of the live requests to the new version, whose answers nobody sees; undoing ends the copies.

https://learn.microsoft.com/azure/machine-learning/how-to-safely-rollout-online-endpoints: one deployment at a time, at
most half of the requests, never one with live traffic, and never on Kubernetes.
"""

from collections.abc import Mapping
from typing import Any

from activities.promotion.movers.deployments import deployment_of
from activities.promotion.movers.model import workspace_of
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.ports import EndpointKind, EndpointSeen


class MirrorTraffic:
    """Implements `activities.promotion.movers.Mover`. The first step of the traffic ends the copies as well."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        online = online_endpoint(clients, order)
        if online.mirror:
            raise Refused(f"{online.name} copies requests to {online.mirror} already: somebody else mirrors there")
        return {"mirror": {}}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        online, target = online_endpoint(clients, order), planned_mirror(order)
        refuse_foreign_mirror(online, order)
        if online.shares != (champion := {order.at.champion.deployment: 100}):
            raise Refused(
                f"the traffic of {online.name} is {online.shares}, planned was {champion}: somebody changed it"
            )
        return self._set(clients, order, online, target)

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        """Only of our own copies: those that somebody else has set stay."""
        online = online_endpoint(clients, order)
        is_ours = online.mirror == planned_mirror(order)
        return self._set(clients, order, online, before["mirror"]) if is_ours or not online.settled else ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        online, deployment = online_endpoint(clients, order), deployment_of(order)
        return f"{online.name} still copies requests to {deployment}" if deployment in online.mirror else ""

    def _set(self, clients: Clients, order: c.MoveOrder, online: EndpointSeen, target: Mapping[str, int]) -> str:
        in_force = online.settled and (
            online.mirror == target or clients.endpoints.route(workspace_of(order), online.name, online.shares, target)
        )
        return "" if in_force else f"the mirror of {online.name} to be {dict(target) or 'none'}"


def planned_mirror(order: c.MoveOrder) -> dict[str, int]:
    """The mirror of the rollout that *order* is of, in percent by deployment; none where it has no such phase."""
    rollout = order.at.stage.rollout
    if not order.at.has_shadow or rollout is None or rollout.mirror is None:
        return {}
    return {deployment_of(order): rollout.mirror.percent}


def refuse_foreign_mirror(online: EndpointSeen, order: c.MoveOrder) -> None:
    """Raise Refused where a rollout that mirrors finds copies that it has not set: an endpoint has one mirror only."""
    if order.at.has_shadow and online.mirror and online.mirror != planned_mirror(order):
        raise Refused(f"{online.name} copies requests to {online.mirror}, which this rollout has not set")


def online_endpoint(clients: Clients, order: c.MoveOrder) -> EndpointSeen:
    """The endpoint of the stage. Raises Refused where it is gone."""
    place, endpoint = workspace_of(order), order.at.stage.serving.online
    online = clients.endpoints.find(place, EndpointKind.ONLINE, endpoint)
    if online is None:
        raise Refused(f"endpoint {endpoint} is not in {place.name}; it was removed during the rollout")
    return online
