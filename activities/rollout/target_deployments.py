"""The deployments of the version that a rollback goes back to, and the batch default that follows it.

The online endpoint comes first, since its callers wait. What a rollback decides is in `activities.rollout.rollbacks`.
"""

from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.bundles import companion
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.models import MODEL, ModelVersion
from shared.ports import AssetKind, EndpointKind, WantedDeployment

READY, FAILED = "Succeeded", ("Failed", "Canceled")


def choose_back(clients: Clients, course: c.RollbackCourse, stage: Stage) -> str:
    """Make the target the default of the batch endpoint, whose routes follow it; deployed again where it is gone.

    Returns what is still waited for, empty once it is. Raises Refused where its deployment failed: the online endpoint
    has the version back then, and batch has not.
    """
    batch, environment, model = stage.serving.batch, stage.environment, course.target
    endpoint = clients.endpoints.find(environment, EndpointKind.BATCH, batch) if batch and environment else None
    if endpoint is None or environment is None or model is None:
        return ""
    deployment = clients.endpoints.deployment(environment, EndpointKind.BATCH, batch, course.deployment)
    if deployment is None:
        wanted = wanted_deployment(clients, environment, stage, model, course, EndpointKind.BATCH)
        clients.endpoints.deploy(environment, wanted)
        return f"deployment {course.deployment} of {batch}"
    if deployment.state in FAILED:
        raise Refused(f"deployment {deployment.name} of {batch} is {deployment.state}, so batch keeps what it has")
    if deployment.state != READY or not endpoint.settled:
        return f"deployment {course.deployment} of {batch}"
    is_chosen = endpoint.default == course.deployment or clients.endpoints.choose(environment, batch, course.deployment)
    return "" if is_chosen else f"the default deployment of {batch}"


def wanted_deployment(
    clients: Clients,
    environment: Workspace,
    stage: Stage,
    model: ModelVersion,
    course: c.RollbackCourse,
    kind: EndpointKind,
    instances: int = 0,
) -> WantedDeployment:
    """The target as it was deployed before, with at least as many *instances*."""
    serving, is_online = stage.serving, kind is EndpointKind.ONLINE
    beside, registered = companion(model, course.digest), clients.models.find(environment, model)
    own_code = registered is not None and registered.kind == "mlflow_model"
    script = serving.online_script if is_online else serving.batch_script
    return WantedDeployment(
        name=course.deployment,
        endpoint=serving.online if is_online else serving.batch,
        kind=kind,
        model=clients.models.asset_id(environment, AssetKind.MODEL, model),
        code="" if own_code else clients.models.asset_id(environment, AssetKind.CODE, beside),
        script="" if own_code else script,
        environment="" if own_code else clients.models.asset_id(environment, AssetKind.ENVIRONMENT, beside),
        instance_type=serving.instance_type,
        instances=max(serving.instances, instances),
        compute=serving.compute,
        kubernetes=serving.kubernetes if is_online else "",
        collections=clients.configuration.collections(environment, serving.online) if is_online else (),
        tags={MODEL: str(model)},
    )
