"""Publish the example's training pipeline in a workspace, in all the ways in which Azure ML calls one."""

import contextlib
import io
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from signalbox.launcher.endpoints import WORKSPACE, Endpoints
from signalbox.launcher.ml_client import ml_client
from signalbox.launcher.provision import local_workspace
from signalbox.models.workspace import datastore_path, upload

_NAME, _DEPLOYMENT = "diabetes-training", "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPipeline:
    """The same pipeline as v1 and v2 name it: *published_id* is a GUID, *component* `name:version`."""

    published_id: str
    endpoint: str
    deployment: str
    component: str


def publish_training(endpoints: Endpoints, folder: Path, workspace: str = WORKSPACE) -> TrainingPipeline:
    """From *folder* (examples/diabetes): components with their code, a batch endpoint. Safe to repeat."""
    with ml_client(endpoints, workspace) as client:
        component = _components(client, folder)
        _deploy(client, component)
    return TrainingPipeline(
        published_id=publish_v1(endpoints, component.id),
        endpoint=_NAME,
        deployment=_DEPLOYMENT,
        component=f"{component.name}:{component.version}",
    )


def publish_v1(endpoints: Endpoints, component: str) -> str:
    """The GUID of the published pipeline that runs the pipeline component with the ARM id *component*."""
    guid = str(uuid.uuid5(uuid.NAMESPACE_URL, component.lower()))
    root = component.split("/components/")[0]
    answer = requests.put(
        f"{endpoints.resource_manager}/_control/published-pipelines",
        json={"id": guid, "name": _NAME, "workspace": root, "component": component},
        verify=str(endpoints.ca),
        timeout=30,
    )
    answer.raise_for_status()
    return guid


def give_training_set(endpoints: Endpoints, folder: Path, name: str, workspace: str = WORKSPACE) -> str:
    """Put the files of *folder* where a run can read them; returns the folder as Azure ML names it."""
    target = f"training-sets/{name}"
    upload(local_workspace(endpoints, workspace), folder, target)
    return datastore_path(target)


def _components(client: Any, folder: Path) -> Any:
    """The pipeline component, its step registered before it; versions that are there stay as they are."""
    _component(client, folder / "train-component.yaml")
    return _component(client, folder / "pipeline.yaml")


def _component(client: Any, file: Path) -> Any:
    from azure.ai.ml import load_component
    from azure.core.exceptions import ResourceNotFoundError

    component = load_component(file)
    try:
        return client.components.get(component.name, component.version)
    except ResourceNotFoundError:
        with contextlib.redirect_stderr(io.StringIO()):  # It ends its progress there even where it shows none.
            return client.components.create_or_update(component)


def _deploy(client: Any, component: Any) -> None:
    from azure.ai.ml.entities import BatchEndpoint, PipelineComponentBatchDeployment

    client.batch_endpoints.begin_create_or_update(BatchEndpoint(name=_NAME)).result()
    deployment = PipelineComponentBatchDeployment(
        name=_DEPLOYMENT, endpoint_name=_NAME, component=component.id, settings={"default_compute": "local"}
    )
    client.batch_deployments.begin_create_or_update(deployment).result()
    endpoint = client.batch_endpoints.get(_NAME)
    endpoint.defaults.deployment_name = _DEPLOYMENT
    client.batch_endpoints.begin_create_or_update(endpoint).result()
