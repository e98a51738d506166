"""Deploy a registered version beside what serves now, without any traffic."""

from collections.abc import Mapping
from typing import Any

from activities.deployed_versions import DeployedVersion, wanted_deployment
from activities.promotion.movers.bundle import require_same
from activities.promotion.movers.model import workspace_of
from activities.promotion.movers.provenance import require_provenance
from shared import contracts as c
from shared.application.promotion.planning import stage_shelves
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Serving
from shared.domain.promotion.models import MODEL, PROMOTION
from shared.domain.rollout.estimates.costs import INSTANCES, INSTANCES_BEFORE
from shared.ports import EndpointKind, WantedDeployment

_FAILED = ("Failed", "Canceled")


class Deploy:
    """Implements `activities.promotion.movers.Mover` for one kind of endpoint."""

    def __init__(self, kind: EndpointKind) -> None:
        self._kind = kind

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        place, endpoint = workspace_of(order), self._endpoint(order.at.stage.serving)
        has_endpoint = clients.endpoints.find(place, self._kind, endpoint) is not None
        has_deployment = has_endpoint and self._seen(clients, order) is not None
        before = {"endpoint": has_endpoint, "deployment": has_deployment}
        if order.at.stage.rollout is None or self._kind is not EndpointKind.ONLINE:
            return before
        # What two fleets cost is told afterwards, when one of them may be gone.
        serving_now, least = self._champion_size(clients, order), order.at.stage.serving.instances
        instances_before = serving_now or least if order.at.champion.deployment else 0
        return {**before, INSTANCES: max(least, serving_now), INSTANCES_BEFORE: instances_before}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        place, endpoint = workspace_of(order), self._endpoint(order.at.stage.serving)
        if not clients.endpoints.ensure(place, self._kind, endpoint, self._cluster(order)):
            return f"endpoint {endpoint}"
        require_provenance(clients, order, place)
        deployment = self._seen(clients, order)
        if deployment is None:
            _require_bundle(clients, order)
            clients.endpoints.deploy(place, self._wanted(clients, order))
            deployment = self._seen(clients, order)
        if deployment is not None and deployment.state in _FAILED:
            raise Refused(
                f"deployment {deployment.name} of {endpoint} in {place.name} ended as {deployment.state}; see its log"
            )
        return (
            # None counts as under way and not as failed: a deployment may read as absent while it is provisioned
            # (https://github.com/Azure/azure-dev/issues/4037).
            "" if deployment is not None and deployment.state == "Succeeded" else f"deployment {deployment_of(order)}"
        )

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        place, endpoint = workspace_of(order), self._endpoint(order.at.stage.serving)
        if not before["deployment"] and self._seen(clients, order) is not None:
            # Azure refuses to delete a deployment with live traffic (how-to-safely-rollout-online-endpoints). Moves are
            # undone in reverse, so its traffic was given back before.
            clients.endpoints.undeploy(place, self._kind, endpoint, deployment_of(order))
            if self._seen(clients, order) is not None:
                return f"deployment {deployment_of(order)} to go"
        if not before["endpoint"]:
            clients.endpoints.remove(place, self._kind, endpoint)
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        deployment = self._seen(clients, order)
        if deployment is not None and deployment.state == "Succeeded":
            return ""
        state = f"is {deployment.state}" if deployment else "is not there"
        return f"deployment {deployment_of(order)} of {self._endpoint(order.at.stage.serving)} {state}"

    def _seen(self, clients: Clients, order: c.MoveOrder) -> Any:
        endpoint = self._endpoint(order.at.stage.serving)
        return clients.endpoints.deployment(workspace_of(order), self._kind, endpoint, deployment_of(order))

    def _cluster(self, order: c.MoveOrder) -> str:
        return order.at.stage.serving.kubernetes if self._kind is EndpointKind.ONLINE else ""

    def _endpoint(self, serving: Serving) -> str:
        return serving.online if self._kind is EndpointKind.ONLINE else serving.batch

    def _champion_size(self, clients: Clients, order: c.MoveOrder) -> int:
        """The instances that serve now, where the traffic is shifted: a smaller fleet would be slower, not worse."""
        champion, stage = order.at.champion.deployment, order.at.stage
        if stage.rollout is None or not champion or self._kind is not EndpointKind.ONLINE:
            return 0
        current = clients.endpoints.deployment(workspace_of(order), self._kind, stage.serving.online, champion)
        return current.instances if current else 0

    def _wanted(self, clients: Clients, order: c.MoveOrder) -> WantedDeployment:
        plan = order.plan
        version = DeployedVersion(
            name=deployment_of(order),
            model=plan.model,
            digest=plan.digest,
            format=plan.kind,
            instances=self._champion_size(clients, order),
            tags={MODEL: str(plan.model), PROMOTION: order.promotion.id},
        )
        return wanted_deployment(clients, workspace_of(order), order.at.stage.serving, self._kind, version)


def _require_bundle(clients: Clients, order: c.MoveOrder) -> None:
    """Refused unless the version that is deployed has the bytes that its provenance is about."""
    plan, place = order.plan, workspace_of(order)
    shelves = stage_shelves(plan, order.at.stage)
    registered_model, folder = clients.models.find(place, plan.model), clients.bundles.address(shelves[0])
    if registered_model is None or registered_model.folder.rstrip("/") != folder.rstrip("/"):
        actual = registered_model.folder if registered_model else "nothing"
        raise Refused(f"{plan.model} in {place.name} is registered with {actual}, not with {folder}; promote anew")
    require_same(clients, plan, shelves)


def deployment_of(order: c.MoveOrder) -> str:
    return identity.deployment_name(order.plan.model.version, order.plan.digest)
