"""Put a registered model version behind a batch or an online endpoint, and ask an online one."""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from signalbox.models.assets import ENVIRONMENT, EXTRAS, MLFLOW, NotRegistered, registered_model
from signalbox.models.workspace import MlWorkspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where a version is to be deployed; *script* is not used for an MLflow model, which brings its own."""

    model: str
    version: str
    endpoint: str
    name: str
    script: str = ""
    compute: str = ""
    instance_type: str = "Standard_DS3_v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """ARM ids; *code* and *environment* are empty for an MLflow model that brings its own."""

    model: str
    code: str = ""
    environment: str = ""


def assets_of(workspace: MlWorkspace, client: Any, deployment: Deployment) -> Assets:
    """What is registered as the version. Raises NotRegistered naming what is not."""
    from azure.core.exceptions import ResourceNotFoundError

    model = registered_model(client, deployment.model, deployment.version)
    if model.type == MLFLOW:
        return Assets(model=model.id)
    try:
        environment = client.environments.get(deployment.model, deployment.version)
    except ResourceNotFoundError as error:
        version = f"{deployment.model}:{deployment.version}"
        raise NotRegistered(
            f"{version} has no environment; write {EXTRAS}/{ENVIRONMENT}, and register the folder as a new version"
        ) from error
    code = f"{workspace.path}/codes/{deployment.model}/versions/{deployment.version}"
    return Assets(model=model.id, code=code, environment=environment.id)


def deploy_batch(workspace: MlWorkspace, client: Any, deployment: Deployment) -> None:
    """Deploy a registered version as it lies in the workspace; the deployment becomes its endpoint's default."""
    put_batch(client, deployment, assets_of(workspace, client, deployment), deployment.compute or workspace.compute)


def put_batch(client: Any, deployment: Deployment, assets: Assets, compute: str, max_concurrency: int = 1) -> None:
    """Create or update the batch endpoint and the deployment of *assets*, and make it the endpoint's default."""
    from azure.ai.ml.entities import BatchEndpoint

    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name=deployment.endpoint)).result()
    entity = _batch_deployment(deployment, assets, compute, max_concurrency)
    client.batch_deployments.begin_create_or_update(entity).result()
    endpoint = client.batch_endpoints.get(deployment.endpoint)
    endpoint.defaults.deployment_name = deployment.name
    client.batch_endpoints.begin_create_or_update(endpoint).result()


def _batch_deployment(deployment: Deployment, assets: Assets, compute: str, max_concurrency: int) -> Any:
    from azure.ai.ml.entities import BatchRetrySettings, ModelBatchDeployment, ModelBatchDeploymentSettings

    settings = ModelBatchDeploymentSettings(
        mini_batch_size=10,
        instance_count=1,
        max_concurrency_per_instance=max_concurrency,
        error_threshold=0,
        output_action="append_row",
        output_file_name="predictions.csv",
        retry_settings=BatchRetrySettings(max_retries=2, timeout=60),
    )
    return ModelBatchDeployment(
        name=deployment.name,
        endpoint_name=deployment.endpoint,
        model=assets.model,
        environment=assets.environment or None,
        code_configuration=_code(deployment, assets),
        compute=compute,
        settings=settings,
    )


def deploy_online(workspace: MlWorkspace, client: Any, deployment: Deployment) -> None:
    """Create or update the online endpoint and the deployment, and give it all the traffic if nothing else has any."""
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint
    from azure.core.exceptions import ResourceNotFoundError

    assets = assets_of(workspace, client, deployment)
    try:
        client.online_endpoints.get(deployment.endpoint)
    except ResourceNotFoundError:
        new_endpoint = ManagedOnlineEndpoint(name=deployment.endpoint, auth_mode="key")
        client.online_endpoints.begin_create_or_update(new_endpoint).result()
    entity = ManagedOnlineDeployment(
        name=deployment.name,
        endpoint_name=deployment.endpoint,
        model=assets.model,
        environment=assets.environment or None,
        code_configuration=_code(deployment, assets),
        instance_type=deployment.instance_type,
        instance_count=1,
    )
    client.online_deployments.begin_create_or_update(entity).result()
    endpoint = client.online_endpoints.get(deployment.endpoint)
    if not any((endpoint.traffic or {}).values()):
        endpoint.traffic = {deployment.name: 100}
        client.online_endpoints.begin_create_or_update(endpoint).result()


def invoke(client: Any, endpoint: str, body: Any, deployment: str = "") -> str:
    """The answer of an online endpoint to *body*; of the named *deployment*, or of one that the traffic chooses."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "request.json"
        file.write_text(json.dumps(body))
        return str(client.online_endpoints.invoke(endpoint, request_file=str(file), deployment_name=deployment or None))


def _code(deployment: Deployment, assets: Assets) -> Any:
    from azure.ai.ml.entities import CodeConfiguration

    return CodeConfiguration(code=assets.code, scoring_script=deployment.script) if assets.code else None
