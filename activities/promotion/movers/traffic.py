"""Give the environment's requests to the new deployment; the one before stays, and undoing gives them back."""

from collections.abc import Mapping
from typing import Any

from activities.promotion.movers.deployments import deployment_of
from activities.promotion.movers.model import workspace_of
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.ports import EndpointKind


class SwitchTraffic:
    """Implements `activities.promotion.movers.Mover` for both endpoints of a stage."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        place, serving = workspace_of(order), order.at.stage.serving
        online = clients.endpoints.find(place, EndpointKind.ONLINE, serving.online)
        batch = clients.endpoints.find(place, EndpointKind.BATCH, serving.batch) if serving.batch else None
        if online is None:
            raise Refused(f"endpoint {serving.online} is not in {place.name}; it was removed during the promotion")
        return {"traffic": dict(online.traffic), "default": batch.default if batch else ""}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        self._set(clients, order, {deployment_of(order): 100}, deployment_of(order))
        return ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        """Only where the requests still go to this deployment: what somebody has changed since is theirs."""
        online = clients.endpoints.find(workspace_of(order), EndpointKind.ONLINE, order.at.stage.serving.online)
        if online is not None and online.traffic.get(deployment_of(order)):
            self._set(clients, order, before["traffic"], before["default"])
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        place, serving, deployment = workspace_of(order), order.at.stage.serving, deployment_of(order)
        online = clients.endpoints.find(place, EndpointKind.ONLINE, serving.online)
        batch = clients.endpoints.find(place, EndpointKind.BATCH, serving.batch) if serving.batch else None
        if online is None or online.traffic.get(deployment) != 100:
            return f"{serving.online} does not give all requests to {deployment}"
        if serving.batch and (batch is None or batch.default != deployment):
            return f"the default of {serving.batch} is not {deployment}"
        return ""

    def _set(self, clients: Clients, order: c.MoveOrder, traffic: Mapping[str, int], default: str) -> None:
        place, serving = workspace_of(order), order.at.stage.serving
        clients.endpoints.route(place, serving.online, traffic)
        if serving.batch:
            clients.endpoints.choose(place, serving.batch, default)
