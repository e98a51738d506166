"""Models as the configuration and the registries know them; it reads, and changes nothing."""

from collections.abc import Iterator

from shared.clients import Clients
from shared.domain.promotion.ladder import REGISTRY, Promotable
from shared.ports import Place
from triggers.http.problems import Problem
from triggers.http.responses.system import ModelPage, ModelRow, ModelShown, VersionAt


def list_all(clients: Clients) -> ModelPage:
    known = clients.configuration.ladder.models
    return ModelPage(models=tuple(ModelRow(name=m.name, owner=m.owner, contract=m.contract) for m in known))


def show_one(clients: Clients, name: str) -> ModelShown:
    """Raises Problem naming the models there are."""
    known: dict[str, Promotable] = {model.name: model for model in clients.configuration.ladder.models}
    if name not in known:
        raise Problem(404, "no such model", f"model {name!r} is not configured; there are: {', '.join(known)}")
    return ModelShown(name=name, owner=known[name].owner, versions=tuple(_versions(clients, name)))


def _versions(clients: Clients, name: str) -> Iterator[VersionAt]:
    for place, where in _places(clients):
        for found in clients.models.versions(where, name):
            yield VersionAt(place=place, version=found.model.version, kind=found.kind, tags=dict(found.tags))


def _places(clients: Clients) -> Iterator[tuple[str, Place]]:
    told = clients.configuration
    yield from ((workspace.name, workspace) for workspace in told.workspaces)
    registries = {stage.registry.name: stage.registry for stage in told.ladder.stages if stage.registry}
    yield from ((REGISTRY, registry) for registry in registries.values())
