"""The Resource Manager ids of what the configuration names, empty where it does not say enough."""

from shared.domain.configuration import Configuration, ResourceGroup, TeamHub
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Registry

EXPERIMENT_TAG = "signalbox-experiment"  # By which a workspace says itself that teams may use hubs of their own there.

_ML = "Microsoft.MachineLearningServices"


def group(subscription: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{name}"


def workspace(workspace: Workspace) -> str:
    return f"{group(workspace.subscription, workspace.resource_group)}/providers/{_ML}/workspaces/{workspace.workspace}"


def registry(registry: Registry) -> str:
    return f"{group(registry.subscription, registry.resource_group)}/providers/{_ML}/registries/{registry.name}"


def registries(configuration: Configuration) -> tuple[Registry, ...]:
    """Those that stages of the ladder lead to, each once."""
    return tuple(dict.fromkeys(stage.registry for stage in configuration.ladder.stages if stage.registry))


def account(configuration: Configuration) -> str:
    """The hub's storage account, where the configuration says in which group it is."""
    return _account(configuration.hub_group, configuration.hub.account)


def hub_account(hub: TeamHub) -> str:
    """The storage account of a team's hub."""
    return _account(hub.group, hub.account)


def of_hubs(configuration: Configuration) -> tuple[str, ...]:
    """What teams use with hubs of their own, in lower case: their accounts, and the workspaces of the environments."""
    workspaces = (own for own in configuration.workspaces if configuration.is_of_hubs(own))
    return tuple(own.lower() for own in (*map(hub_account, configuration.hubs), *map(workspace, workspaces)))


def state_account(configuration: Configuration) -> str:
    """The storage account with the container of records: its own, or the hub's."""
    own = configuration.state_account
    return account(configuration) if own is None else _account(own.group, own.name)


def account_name(configuration: Configuration, container: str) -> str:
    """The name of the storage account that *container* is in."""
    own = configuration.state_account
    if own is not None and container in configuration.hub.records:
        return own.name
    return configuration.account_of(container)


def container(configuration: Configuration, name: str) -> str:
    hub = configuration.hub_of(name)
    if hub is not None:
        account_id = hub_account(hub)
    else:
        in_state = name in configuration.hub.records
        account_id = state_account(configuration) if in_state else account(configuration)
    return f"{account_id}/blobServices/default/containers/{name}" if account_id else ""


def _account(place: ResourceGroup | None, name: str) -> str:
    if place is None:
        return ""
    return f"{group(place.subscription, place.name)}/providers/Microsoft.Storage/storageAccounts/{name}"


def namespace(configuration: Configuration, name: str) -> str:
    """The Service Bus namespace called *name*, where the configuration says in which group it is."""
    resource_group = configuration.bus_group or configuration.hub_group
    return (
        f"{group(resource_group.subscription, resource_group.name)}/providers/Microsoft.ServiceBus/namespaces/{name}"
        if resource_group
        else ""
    )
