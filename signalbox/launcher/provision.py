"""Put models, their code and environments, and batch endpoints into workspaces, with the real `azure-ai-ml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from signalbox.launcher.endpoints import BLOB_CONTAINER, WORKSPACE, WORKSPACES, Endpoints, MlScope
from signalbox.launcher.hub import LocalIdentity, hub_client
from signalbox.launcher.ml_client import ml_client

_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrable:
    """A model folder, the folder with its scoring script, and the environment; all get the model's name and version."""

    model: str
    version: str
    model_path: Path
    code_path: Path
    environment_file: Path
    model_type: str = "custom_model"
    tags: Mapping[str, str] = field(default_factory=dict)
    extras_path: Path | None = None  # The folder of extra files that travel with the model, if there are any.


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable(Registrable):
    """A model to register, and the endpoint and deployment that serve it."""

    scoring_script: str
    endpoint: str
    deployment: str
    max_concurrency: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """ARM ids."""

    model: str
    code: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A trained model and what travels with it, to be registered for a promotion."""

    model: str
    version: str
    model_path: Path
    extras_path: Path
    tags: Mapping[str, str] = field(default_factory=dict)
    model_type: str = "custom_model"


def offer(endpoints: Endpoints, candidate: Candidate, workspace: str = WORKSPACE) -> None:
    """Offer a model as a data scientist does: upload it, then register it with the tags that Signalbox reads."""
    from azure.ai.ml.entities import Model

    scope, model_folder = workspace_named(workspace), f"models/{candidate.model}/{candidate.version}"
    upload(endpoints, scope, candidate.model_path, model_folder)
    tags = {**_bring_extras(endpoints, scope, candidate, candidate.extras_path), **candidate.tags}
    path = datastore_path(model_folder)
    with ml_client(endpoints, workspace) as client:
        client.models.create_or_update(
            Model(name=candidate.model, version=candidate.version, path=path, type=candidate.model_type, tags=tags)
        )


def provision(endpoints: Endpoints, deployable: Deployable, workspace: str = WORKSPACE) -> None:
    """Safe to repeat: everything is created or updated under its own name."""
    with ml_client(endpoints, workspace) as client:
        _deploy(client, deployable, _register(client, endpoints, deployable, workspace_named(workspace)))


def register(endpoints: Endpoints, registrable: Registrable, workspace: str = WORKSPACE) -> Registered:
    """A model version with its code and environment, without an endpoint. Safe to repeat."""
    with ml_client(endpoints, workspace) as client:
        return _register(client, endpoints, registrable, workspace_named(workspace))


def workspace_named(name: str) -> MlScope:
    """Raises ValueError naming the workspaces there are."""
    scope = next((workspace for workspace in WORKSPACES if workspace.name == name), None)
    if scope is None:
        raise ValueError(
            f"workspace {name!r} is not one of {', '.join(known_workspace.name for known_workspace in WORKSPACES)}"
        )
    return scope


def _bring_extras(
    endpoints: Endpoints, workspace: MlScope, registrable: Registrable | Candidate, extras: Path
) -> dict[str, str]:
    """Upload the extra files; returns the tag that names their place."""
    folder = f"extras/{registrable.model}/{registrable.version}"
    upload(endpoints, workspace, extras, folder)
    return {"signalbox.bundle": datastore_path(folder)}


def _register(client: Any, endpoints: Endpoints, registrable: Registrable, workspace: MlScope) -> Registered:
    from azure.ai.ml.entities import Environment, Model

    model_folder, code_folder = (
        f"models/{registrable.model}/{registrable.version}",
        f"code/{registrable.model}/{registrable.version}",
    )
    upload(endpoints, workspace, registrable.model_path, model_folder)
    upload(endpoints, workspace, registrable.code_path, code_folder)
    environment = client.environments.create_or_update(
        Environment(
            name=registrable.model, version=registrable.version, conda_file=registrable.environment_file, image=_IMAGE
        )
    )
    code = _put_code(endpoints, workspace, registrable, code_folder)
    path, tags = datastore_path(model_folder), dict(registrable.tags)
    if registrable.extras_path is not None:
        tags |= _bring_extras(endpoints, workspace, registrable, registrable.extras_path)
    model = client.models.create_or_update(
        Model(name=registrable.model, version=registrable.version, path=path, type=registrable.model_type, tags=tags)
    )
    return Registered(model=model.id, code=code, environment=environment.id)


def _deploy(client: Any, deployable: Deployable, assets: Registered) -> None:
    from azure.ai.ml.entities import BatchEndpoint

    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name=deployable.endpoint)).result()
    client.batch_deployments.begin_create_or_update(_deployment(deployable, assets)).result()
    endpoint = client.batch_endpoints.get(deployable.endpoint)
    endpoint.defaults.deployment_name = deployable.deployment
    client.batch_endpoints.begin_create_or_update(endpoint).result()


def _deployment(deployable: Deployable, assets: Registered) -> Any:
    from azure.ai.ml.entities import (
        BatchRetrySettings,
        CodeConfiguration,
        ModelBatchDeployment,
        ModelBatchDeploymentSettings,
    )

    settings = ModelBatchDeploymentSettings(
        mini_batch_size=10,
        instance_count=1,
        max_concurrency_per_instance=deployable.max_concurrency,
        error_threshold=0,
        output_action="append_row",
        output_file_name="predictions.csv",
        retry_settings=BatchRetrySettings(max_retries=2, timeout=60),
    )
    return ModelBatchDeployment(
        name=deployable.deployment,
        endpoint_name=deployable.endpoint,
        model=assets.model,
        environment=assets.environment,
        code_configuration=CodeConfiguration(code=assets.code, scoring_script=deployable.scoring_script),
        compute="local",
        settings=settings,
    )


def upload(endpoints: Endpoints, workspace: MlScope, folder: Path, target: str) -> None:
    """The files of *folder* to the folder *target* of the workspace's own datastore."""
    with hub_client(endpoints, workspace.account) as storage:
        container = storage.get_container_client(BLOB_CONTAINER)
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            with path.open("rb") as stream:
                container.upload_blob(f"{target}/{path.relative_to(folder).as_posix()}", stream, overwrite=True)


def _put_code(endpoints: Endpoints, workspace: MlScope, registrable: Registrable, folder: str) -> str:
    """Register the uploaded code as an asset; returns its id."""
    path = f"{workspace.path('workspaces')}/codes/{registrable.model}/versions/{registrable.version}"
    token = LocalIdentity(endpoints).get_token(f"{endpoints.resource_manager}/.default").token
    answer = requests.put(
        f"{endpoints.resource_manager}{path}?api-version=2024-10-01",
        json={"properties": {"codeUri": datastore_path(folder)}},
        headers={"Authorization": f"Bearer {token}"},
        verify=str(endpoints.ca),
        timeout=30,
    )
    answer.raise_for_status()
    return path


def datastore_path(folder: str) -> str:
    """How Azure ML names *folder* of a workspace's own datastore."""
    return f"azureml://datastores/workspaceblobstore/paths/{folder}"
