"""A model version and what it needs: its files, its scoring code, its environment, and what travels with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalbox.models.workspace import MlWorkspace, datastore_path, upload

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
MODEL, EXTRAS = "model", "extras"  # The two parts of a folder that is promoted.
CODE, ENVIRONMENT = "code", Path("environment") / "conda.yaml"
MLFLOW, CUSTOM = "mlflow_model", "custom_model"
BUNDLE, FLAG = "signalbox.bundle", "signalbox.promote"


class Unregistrable(ValueError):
    """The folder cannot be registered as a model; the message says what it lacks."""


class NotRegistered(LookupError):
    """The version, or what it needs, is not registered in the workspace; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """What a training has written to *folder*: `model/` and `extras/`, both to be registered as *name*:*version*."""

    name: str
    version: str
    folder: Path
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> Path:
        return self.folder / MODEL

    @property
    def extras(self) -> Path:
        return self.folder / EXTRAS

    @property
    def kind(self) -> str:
        """The type as which Azure ML registers it."""
        return MLFLOW if self.model.is_dir() and any(self.model.rglob("MLmodel")) else CUSTOM


def register_folder(workspace: MlWorkspace, source: ModelFolder) -> str:
    """Register the version with its code, its environment and its extras; returns its kind. Safe to repeat.

    Raises Unregistrable.
    """
    if not source.model.is_dir() or not any(source.model.iterdir()):
        raise Unregistrable(
            f"{source.folder} has no files in {MODEL}/; write the model there, and the rest to {EXTRAS}/"
        )
    model_folder, extras = (f"{part}/{source.name}/{source.version}" for part in ("models", "extras"))
    upload(workspace, source.model, model_folder)
    tags = dict(source.tags)
    if source.extras.is_dir():
        upload(workspace, source.extras, extras)
        tags[BUNDLE] = datastore_path(extras)
    with workspace.client() as client:
        if (source.extras / ENVIRONMENT).is_file():
            put_environment(client, source.name, source.version, source.extras / ENVIRONMENT)
        if (source.extras / CODE).is_dir():
            put_code(workspace, source.name, source.version, f"{extras}/{CODE}")
        put_model(client, source.name, source.version, model_folder, source.kind, tags)
    return source.kind


def put_environment(client: Any, name: str, version: str, conda: Path) -> str:
    """Register the environment of the file *conda*; returns its ARM id."""
    from azure.ai.ml.entities import Environment

    environment = Environment(name=name, version=version, conda_file=conda, image=IMAGE)
    return str(client.environments.create_or_update(environment).id)


def put_code(workspace: MlWorkspace, name: str, version: str, folder: str) -> str:
    """Register the uploaded *folder* as a code asset, which the SDK does only for files of this machine; its ARM id."""
    path = f"{workspace.path}/codes/{name}/versions/{version}"
    workspace.put(path, {"properties": {"codeUri": datastore_path(folder)}})
    return path


def put_model(client: Any, name: str, version: str, folder: str, kind: str, tags: Mapping[str, str]) -> str:
    """Register the uploaded *folder* as a model version; returns its ARM id."""
    from azure.ai.ml.entities import Model

    model = Model(name=name, version=version, path=datastore_path(folder), type=kind, tags=dict(tags))
    return str(client.models.create_or_update(model).id)


def registered_model(client: Any, name: str, version: str) -> Any:
    """The registered version, an `azure.ai.ml.entities.Model`. Raises NotRegistered."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return client.models.get(name, version)
    except ResourceNotFoundError as error:
        raise NotRegistered(
            f"{name}:{version} is not registered; register it with `signalbox model register {name}:{version} FOLDER`"
        ) from error


def flag(client: Any, name: str, version: str, stage: str) -> None:
    """Set the tag by which Signalbox promotes a registered version to *stage*. Raises NotRegistered."""
    model = registered_model(client, name, version)
    model.tags = {**model.tags, FLAG: f"{name}:{version} -> {stage}"}
    client.models.create_or_update(model)
