"""Put models, their code and environments, and batch endpoints into workspaces, with the real `azure-ai-ml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalbox.launcher.endpoints import WORKSPACE, WORKSPACES, Endpoints, MlScope
from signalbox.models.assets import BUNDLE, put_code, put_environment, put_model
from signalbox.models.deployments import Assets, Deployment, put_batch
from signalbox.models.workspace import LocalWorkspace, datastore_path, upload


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
    place, model_folder = local_workspace(endpoints, workspace), f"models/{candidate.model}/{candidate.version}"
    upload(place, candidate.model_path, model_folder)
    tags = {**_bring_extras(place, candidate, candidate.extras_path), **candidate.tags}
    with place.client() as client:
        put_model(client, candidate.model, candidate.version, model_folder, candidate.model_type, tags)


def provision(endpoints: Endpoints, deployable: Deployable, workspace: str = WORKSPACE) -> None:
    """Safe to repeat: everything is created or updated under its own name."""
    place = local_workspace(endpoints, workspace)
    with place.client() as client:
        _deploy(client, deployable, _register(client, place, deployable))


def register(endpoints: Endpoints, registrable: Registrable, workspace: str = WORKSPACE) -> Registered:
    """A model version with its code and environment, without an endpoint. Safe to repeat."""
    place = local_workspace(endpoints, workspace)
    with place.client() as client:
        return _register(client, place, registrable)


def local_workspace(endpoints: Endpoints, name: str) -> LocalWorkspace:
    """The workspace called *name*. Raises ValueError naming those that the local cloud has."""
    return LocalWorkspace(endpoints, workspace_named(name))


def workspace_named(name: str) -> MlScope:
    """Raises ValueError naming the workspaces there are."""
    scope = next((workspace for workspace in WORKSPACES if workspace.name == name), None)
    if scope is None:
        raise ValueError(
            f"workspace {name!r} is not one of {', '.join(known_workspace.name for known_workspace in WORKSPACES)}"
        )
    return scope


def _bring_extras(place: LocalWorkspace, registrable: Registrable | Candidate, extras: Path) -> dict[str, str]:
    """Upload the extra files; returns the tag that names their place."""
    folder = f"extras/{registrable.model}/{registrable.version}"
    upload(place, extras, folder)
    return {BUNDLE: datastore_path(folder)}


def _register(client: Any, place: LocalWorkspace, registrable: Registrable) -> Registered:
    name, version = registrable.model, registrable.version
    model_folder, code_folder = (f"{kind}/{name}/{version}" for kind in ("models", "code"))
    upload(place, registrable.model_path, model_folder)
    upload(place, registrable.code_path, code_folder)
    environment = put_environment(client, name, version, registrable.environment_file)
    code = put_code(place, name, version, code_folder)
    tags = dict(registrable.tags)
    if registrable.extras_path is not None:
        tags |= _bring_extras(place, registrable, registrable.extras_path)
    model = put_model(client, name, version, model_folder, registrable.model_type, tags)
    return Registered(model=model, code=code, environment=environment)


def _deploy(client: Any, deployable: Deployable, assets: Registered) -> None:
    target = Deployment(
        model=deployable.model,
        version=deployable.version,
        endpoint=deployable.endpoint,
        name=deployable.deployment,
        script=deployable.scoring_script,
    )
    ids = Assets(model=assets.model, code=assets.code, environment=assets.environment)
    put_batch(client, target, ids, "local", deployable.max_concurrency)
