"""Models as the configuration and the registries know them; it reads, and changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated

from shared.clients import Clients
from shared.domain.promotion.ladder import REGISTRY, Promotable
from shared.ports import Place
from shared.validation.rules import Text
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    name: str
    owner: str
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOrder:
    """*sort* is a column, with `-` before it the greatest first; as configured where it is empty."""

    sort: Annotated[str, Text(shortest=0, longest=20, pattern=r"(-?(name|owner))?")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage:
    models: tuple[ModelRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAt:
    """*place* is an environment, or `registry`."""

    place: str
    version: str
    kind: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShown:
    name: str
    owner: str
    versions: tuple[VersionAt, ...]


def list_models(request: ApiRequest, query: ModelOrder) -> ModelPage:
    """The models that the configuration knows"""
    models = request.clients.configuration.ladder.models
    if column := query.sort.removeprefix("-"):
        models = tuple(sorted(models, key=attrgetter(column, "name"), reverse=query.sort.startswith("-")))
    return ModelPage(models=tuple(ModelRow(name=m.name, owner=m.owner, contract=m.contract) for m in models))


def show_model(request: ApiRequest, model: str) -> ModelShown:
    """A model's versions in each environment and in the central registry"""
    owner = configured_model(request.clients, model).owner
    return ModelShown(name=model, owner=owner, versions=tuple(_versions(request.clients, model)))


def configured_model(clients: Clients, model: str) -> Promotable:
    """What is configured of *model*. Raises Problem naming the models that are."""
    models = {promotable.name: promotable for promotable in clients.configuration.ladder.models}
    if model not in models:
        raise Problem(404, "no such model", f"model {model!r} is not configured; there are: {', '.join(models)}")
    return models[model]


def _versions(clients: Clients, name: str) -> Iterator[VersionAt]:
    for place, workspace in _places(clients):
        for version in clients.models.versions(workspace, name):
            tags = dict(version.tags)
            yield VersionAt(place=place, version=version.model.version, kind=version.kind, tags=tags)


def _places(clients: Clients) -> Iterator[tuple[str, Place]]:
    configuration = clients.configuration
    yield from ((workspace.name, workspace) for workspace in configuration.workspaces)
    registries = {stage.registry.name: stage.registry for stage in configuration.ladder.stages if stage.registry}
    yield from ((REGISTRY, registry) for registry in registries.values())
