"""Put a model, its scoring script, a batch endpoint and a deployment into a workspace, with the real `azure-ai-ml`."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import requests

from signalbox.launcher.endpoints import (
    RESOURCE_GROUP,
    SUBSCRIPTION,
    WORKSPACE,
    WORKSPACE_CONTAINER,
    WORKSPACES,
    Endpoints,
)
from signalbox.launcher.hub import LocalIdentity, storage_client

_DATASTORE = "workspaceblobstore"
_CLOUDS = (f"SignalboxLocal{number}" for number in count())  # The SDK registers a cloud's name once for a process.
_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """A model folder and the folder with its scoring script, and where they are to answer."""

    model: str
    version: str
    model_path: Path
    code_path: Path
    scoring_script: str
    environment_file: Path
    endpoint: str
    deployment: str
    max_concurrency: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A trained model and what travels with it, to be registered in dev for a promotion."""

    model: str
    version: str
    model_path: Path
    extras_path: Path
    tags: Mapping[str, str]


def register(endpoints: Endpoints, what: Candidate) -> None:
    """As a data scientist does it: upload, then register with the tags that Signalbox reads."""
    with _environment(endpoints.environment()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The SDK's experimental notices are not ours to act on.
        logging.getLogger("azure").setLevel(logging.ERROR)
        _register(_client(endpoints), endpoints, what)


def _register(client: Any, endpoints: Endpoints, what: Candidate) -> None:
    from azure.ai.ml.entities import Model

    model_folder, extras_folder = (f"{kind}/{what.model}/{what.version}" for kind in ("models", "extras"))
    _upload(endpoints, what.model_path, model_folder)
    _upload(endpoints, what.extras_path, extras_folder)
    tags = {"signalbox.bundle": _datastore_path(extras_folder), **what.tags}
    path = _datastore_path(model_folder)
    client.models.create_or_update(
        Model(name=what.model, version=what.version, path=path, type="custom_model", tags=tags)
    )


def provision(endpoints: Endpoints, what: Deployable) -> None:
    """Safe to repeat: everything is created or updated under its own name."""
    with _environment(endpoints.environment()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The SDK's experimental notices are not ours to act on.
        logging.getLogger("azure").setLevel(logging.ERROR)
        _provision(_client(endpoints), endpoints, what)


def _provision(client: Any, endpoints: Endpoints, what: Deployable) -> None:
    from azure.ai.ml.entities import BatchEndpoint, Environment, Model

    model_folder, code_folder = f"models/{what.model}/{what.version}", f"code/{what.model}/{what.version}"
    _upload(endpoints, what.model_path, model_folder)
    _upload(endpoints, what.code_path, code_folder)
    model = client.models.create_or_update(
        Model(name=what.model, version=what.version, path=_datastore_path(model_folder), type="custom_model")
    )
    environment = client.environments.create_or_update(
        Environment(name=what.model, version=what.version, conda_file=what.environment_file, image=_IMAGE)
    )
    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name=what.endpoint)).result()
    code = _put_code(endpoints, what, code_folder)
    client.batch_deployments.begin_create_or_update(_deployment(what, model.id, environment.id, code)).result()
    endpoint = client.batch_endpoints.get(what.endpoint)
    endpoint.defaults.deployment_name = what.deployment
    client.batch_endpoints.begin_create_or_update(endpoint).result()


def _deployment(what: Deployable, model: str, environment: str, code: str) -> Any:
    from azure.ai.ml.entities import (
        BatchRetrySettings,
        CodeConfiguration,
        ModelBatchDeployment,
        ModelBatchDeploymentSettings,
    )

    settings = ModelBatchDeploymentSettings(
        mini_batch_size=10,
        instance_count=1,
        max_concurrency_per_instance=what.max_concurrency,
        error_threshold=0,
        output_action="append_row",
        output_file_name="predictions.csv",
        retry_settings=BatchRetrySettings(max_retries=2, timeout=60),
    )
    return ModelBatchDeployment(
        name=what.deployment,
        endpoint_name=what.endpoint,
        model=model,
        environment=environment,
        code_configuration=CodeConfiguration(code=code, scoring_script=what.scoring_script),
        compute="local",
        settings=settings,
    )


def _client(endpoints: Endpoints) -> Any:
    """The real MLClient on the local cloud: sovereign clouds are named the same way."""
    from azure.ai.ml import MLClient

    return MLClient(
        LocalIdentity(endpoints),
        SUBSCRIPTION,
        RESOURCE_GROUP,
        WORKSPACE,
        cloud=next(_CLOUDS),
        cloud_metadata=_metadata(endpoints),
    )


def _metadata(endpoints: Endpoints) -> dict[str, str]:
    """The addresses of a cloud, under the keys of `azure.ai.ml._azure_environments`."""
    return {
        "azure_portal": "https://localhost",
        "resource_manager": endpoints.resource_manager,
        "active_directory": "https://localhost",
        "aml_resource_id": "https://ml.azure.com",
        "storage_endpoint": "core.windows.net",
        "registry_discovery_endpoint": endpoints.resource_manager,
    }


def _upload(endpoints: Endpoints, folder: Path, target: str) -> None:
    """Into the storage of the workspace."""
    with storage_client(endpoints, WORKSPACES[WORKSPACE]) as client:
        container = client.get_container_client(WORKSPACE_CONTAINER)
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            with path.open("rb") as stream:
                container.upload_blob(f"{target}/{path.relative_to(folder).as_posix()}", stream, overwrite=True)


def _put_code(endpoints: Endpoints, what: Deployable, folder: str) -> str:
    """Register the uploaded code as an asset; returns its id."""
    path = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.MachineLearningServices"
        f"/workspaces/{WORKSPACE}/codes/{what.model}/versions/{what.version}"
    )
    token = LocalIdentity(endpoints).get_token(f"{endpoints.resource_manager}/.default").token
    answer = requests.put(
        f"{endpoints.resource_manager}{path}?api-version=2024-10-01",
        json={"properties": {"codeUri": _datastore_path(folder)}},
        headers={"Authorization": f"Bearer {token}"},
        verify=str(endpoints.ca),
        timeout=30,
    )
    answer.raise_for_status()
    return path


def _datastore_path(folder: str) -> str:
    return f"azureml://datastores/{_DATASTORE}/paths/{folder}"


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """The process environment with *values*, put back afterwards: the SDK takes its trust store from there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
