"""The deployments of the version that a rollback goes back to, and the batch default that follows it.

The online endpoint comes first, since its callers wait. What a rollback decides is in `activities.rollout.rollbacks`.
"""

from activities.deployed_versions import DeployedVersion, wanted_deployment
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.models import MODEL
from shared.ports import EndpointKind

READY, FAILED = "Succeeded", ("Failed", "Canceled")


def choose_back(clients: Clients, course: c.RollbackCourse, stage: Stage) -> str:
    """Make the target the default of the batch endpoint, whose routes follow it; deployed again where it is gone.

    Returns what is still waited for, empty once it is. Raises Refused where its deployment failed: the online endpoint
    has the version back then, and batch has not.
    """
    batch, environment = stage.serving.batch, stage.environment
    endpoint = clients.endpoints.find(environment, EndpointKind.BATCH, batch) if batch and environment else None
    if endpoint is None or environment is None or course.target is None:
        return ""
    deployment = clients.endpoints.deployment(environment, EndpointKind.BATCH, batch, course.deployment)
    if deployment is None:
        deploy_again(clients, environment, stage, course, EndpointKind.BATCH)
        return f"deployment {course.deployment} of {batch}"
    if deployment.state in FAILED:
        raise Refused(f"deployment {deployment.name} of {batch} is {deployment.state}, so batch keeps what it has")
    if deployment.state != READY or not endpoint.settled:
        return f"deployment {course.deployment} of {batch}"
    is_chosen = endpoint.default == course.deployment or clients.endpoints.choose(environment, batch, course.deployment)
    return "" if is_chosen else f"the default deployment of {batch}"


def deploy_again(
    clients: Clients,
    environment: Workspace,
    stage: Stage,
    course: c.RollbackCourse,
    kind: EndpointKind,
    instances: int = 0,
) -> None:
    """Begin to deploy the target of *course* as it was deployed before, with at least as many *instances*."""
    model = course.target
    if model is None:
        raise Transient("a course without a target deploys nothing")
    registered = clients.models.find(environment, model)
    version = DeployedVersion(
        name=course.deployment,
        model=model,
        digest=course.digest,
        format=registered.kind if registered else "",
        instances=instances,
        tags={MODEL: str(model)},
    )
    clients.endpoints.deploy(environment, wanted_deployment(clients, environment, stage.serving, kind, version))
