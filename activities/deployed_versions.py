"""What Azure ML is asked to deploy for a version of a model, by a promotion, a rollback or a rehearsal alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.clients import Clients
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.bundles import MLFLOW_MODEL, companion
from shared.domain.promotion.ladder import Serving
from shared.domain.promotion.models import ModelVersion
from shared.ports import AssetKind, EndpointKind, WantedDeployment


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedVersion:
    """The version with the bundle *digest*, registered as *format*, in a deployment called *name*.

    It has at least as many *instances*, and *tags* say what it belongs to.
    """

    name: str
    model: ModelVersion
    digest: str
    format: str
    tags: Mapping[str, str]
    instances: int = 0


def wanted_deployment(
    clients: Clients, environment: Workspace, serving: Serving, kind: EndpointKind, version: DeployedVersion
) -> WantedDeployment:
    """The deployment of *version* at the endpoint of *kind* that *serving* names in *environment*."""
    is_online, companion_version = kind is EndpointKind.ONLINE, companion(version.model, version.digest)
    script = serving.online_script if is_online else serving.batch_script
    has_own_code = version.format == MLFLOW_MODEL  # It brings its scoring code and its environment.
    return WantedDeployment(
        name=version.name,
        endpoint=serving.online if is_online else serving.batch,
        kind=kind,
        model=clients.models.asset_id(environment, AssetKind.MODEL, version.model),
        code="" if has_own_code else clients.models.asset_id(environment, AssetKind.CODE, companion_version),
        script="" if has_own_code else script,
        environment=""
        if has_own_code
        else clients.models.asset_id(environment, AssetKind.ENVIRONMENT, companion_version),
        instance_type=serving.instance_type,
        instances=max(serving.instances, version.instances),
        compute=serving.compute,
        kubernetes=serving.kubernetes if is_online else "",
        collections=clients.configuration.collections(environment, serving.online) if is_online else (),
        tags=version.tags,
    )
