"""The Resource Manager ids of what the configuration names, empty where it does not say enough."""

from shared.domain.configuration import Configuration
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Registry

_ML = "Microsoft.MachineLearningServices"


def group(subscription: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{name}"


def workspace(place: Workspace) -> str:
    return f"{group(place.subscription, place.resource_group)}/providers/{_ML}/workspaces/{place.workspace}"


def registry(place: Registry) -> str:
    return f"{group(place.subscription, place.resource_group)}/providers/{_ML}/registries/{place.name}"


def registries(configuration: Configuration) -> tuple[Registry, ...]:
    """Those that stages of the ladder lead to, each once."""
    return tuple(dict.fromkeys(stage.registry for stage in configuration.ladder.stages if stage.registry))


def account(configuration: Configuration) -> str:
    """The hub's storage account, where the configuration says in which group it is."""
    place = configuration.hub_group
    if place is None:
        return ""
    accounts = f"{group(place.subscription, place.name)}/providers/Microsoft.Storage/storageAccounts"
    return f"{accounts}/{configuration.hub.account}"


def container(configuration: Configuration, name: str) -> str:
    there = account(configuration)
    return f"{there}/blobServices/default/containers/{name}" if there else ""


def namespace(configuration: Configuration, name: str) -> str:
    """The Service Bus namespace called *name*, where the configuration says in which group it is."""
    place = configuration.bus_group or configuration.hub_group
    return f"{group(place.subscription, place.name)}/providers/Microsoft.ServiceBus/namespaces/{name}" if place else ""
