"""Roles: each connection has one, none is more than the code declares, and people write only where models are tried."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.check.findings import Finding, Place
from infra.check.installation import Installed
from infra.check.values import Deployed
from shared.operations.roles.catalogue import TEMPLATE_ROLES

_ROLES = "Microsoft.Authorization/roleAssignments"
_MIGHTY = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}


def role_ids(installed: Installed) -> Iterator[Finding]:
    """Every role is one of the generated rows, or of those that templates have a reason for."""
    known = {row["id"] for row in (*installed.data["roles"], *installed.data["personas"])}
    known |= {identifier for _, identifier, _ in TEMPLATE_ROLES}
    for assignment in installed.of_type(_ROLES):
        role = role_of(assignment)
        if role in _MIGHTY:
            yield Finding(assignment.place, "roles", f"{_MIGHTY[role]} is more than anything here needs")
        elif role not in known:
            yield Finding(assignment.place, "roles", f"role {role} is in no row of the generated data")
        if not assignment.properties.get("principalType"):
            yield Finding(assignment.place, "roles", "without principalType a new identity may not be found yet")


def declared_roles(installed: Installed) -> Iterator[Finding]:
    """Each generated row about a resource that stands here is assigned, on exactly that resource."""
    given = {(principal_of(role), role_of(role), _scope(role)) for role in installed.of_type(_ROLES)}
    app = installed.evaluations["platform"].outputs["appPrincipalId"]
    for row in installed.data["roles"]:
        if row["identity"] != "app":
            continue
        for scope in scopes(installed, row["target"]):
            if (app, row["id"], scope) not in given:
                problem = f"the app has no {row['role']} on {row['target']} ({row['why']})"
                yield Finding(Place("generated/signalbox.json", 1), "roles", problem)
    grid = {row["id"]: row for row in installed.data["roles"] if row["identity"] == "grid"}
    for topic in installed.of_type("Microsoft.EventGrid/systemTopics"):
        principal = f"<{topic.id}#identity.principalId>"
        for role, row in grid.items():
            if row["target"] == "events-queue" and not any(
                (principal, role, scope) in given for scope in scopes(installed, "events-queue")
            ):
                yield Finding(topic.place, "roles", f"{topic.short_name} may not deliver to the queue of events")


def scopes(installed: Installed, target: str) -> list[str]:
    """The ids of what the templates call *target*; empty where it stands outside of them."""
    kind, _, name = target.partition(":")
    data = installed.data
    bus = installed.evaluations["platform"].outputs["busId"]
    registry = data["registry"]
    match kind:
        case "container":
            return [f"{_account(data['hub'])}/blobServices/default/containers/{name}"]
        case "account":
            return [_account(data["hub"])]
        case "team-container":
            return [scope for hub in data["hubs"].values() for scope in _containers(hub) if scope.endswith(f"/{name}")]
        case "team-account":
            return [_account(data["hubs"][name])]
        case "bus" | "queues":
            return [bus]
        case "events-queue":
            return [f"{bus}/queues/events"]
        case "results-topic":
            return [f"{bus}/topics/{data['topic']['name']}"]
        case "registry":
            group = f"/subscriptions/{registry['subscription']}/resourceGroups/{registry['resourceGroup']}"
            return [f"{group}/providers/Microsoft.MachineLearningServices/registries/{registry['name']}"]
        case "workspace" | "group" | "store":
            return _of_environment(installed, kind, name)
        case "topic":
            return [topic.id for topic in installed.of_type("Microsoft.EventGrid/topics")]
        case "logs":
            return [installed.evaluations["platform"].outputs["logsId"]]
        case "vault":
            return [vault.id for vault in _of_platform(installed, "Microsoft.KeyVault/vaults")]
        case "host-storage":
            return [account.id for account in _of_platform(installed, "Microsoft.Storage/storageAccounts")]
        case "mail":
            return _mail(installed)
        case "key":
            return _keys(installed, name)
    return []


def _containers(hub: Mapping[str, Any]) -> list[str]:
    return [f"{_account(hub)}/blobServices/default/containers/{name}" for name in hub["containers"]]


def _account(hub: Mapping[str, Any]) -> str:
    group = f"/subscriptions/{hub['subscription']}/resourceGroups/{hub['resourceGroup']}"
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{hub['account']}"


def _mail(installed: Installed) -> list[str]:
    mail = installed.parameters["platform"]["mail"]
    if not mail:
        return []
    home = f"/subscriptions/{mail['subscription']}/resourceGroups/{mail['resourceGroup']}"
    services = {"communicationServices": mail["communication"], "emailServices": mail["email"]}
    return [f"{home}/providers/Microsoft.Communication/{kind}/{name}" for kind, name in services.items()]


def people(installed: Installed) -> Iterator[Finding]:
    """Above development only the app writes, and no person has a role on an account, a queue or a vault.

    But for the containers of a team's own hub, which no environment above development may use.
    """
    groups = set(installed.parameters["groups"].values()) | {
        reader["groupId"] for reader in installed.parameters["registry"]["readers"]
    }
    above = {row["workspace"] for row in installed.data["environments"].values() if row["aboveDevelopment"]}
    writes = {row["id"] for row in installed.data["personas"] if row["role"] != "Reader"}
    own = {scope for hub in installed.data["hubs"].values() for scope in _containers(hub)}
    for assignment in installed.of_type(_ROLES):
        if principal_of(assignment) not in groups:
            continue
        scope = _scope(assignment)
        if scope.rpartition("/")[2] in above and role_of(assignment) in writes:
            yield Finding(
                assignment.place, "people", f"people may write to {scope.rpartition('/')[2]}, above development"
            )
        if "/Microsoft.MachineLearningServices/" not in scope and scope not in own:
            yield Finding(assignment.place, "people", f"people have a role on {scope}")
        if assignment.properties.get("principalType") != "Group":
            yield Finding(assignment.place, "people", "people have roles by their groups")


def deployers(installed: Installed) -> Iterator[Finding]:
    """The identity of a team's pipelines has the roles that are declared for it in its own environment, and no other.

    Above development none of them writes.
    """
    for row in installed.data["deployers"]:
        if row["role"] != "Reader" and installed.data["environments"][row["environment"]]["aboveDevelopment"]:
            text = f"pipelines may write to {row['environment']}, above development"
            yield Finding(Place("generated/signalbox.json", 1), "deployers", text)
    for name, team in installed.parameters["teams"].items():
        principal = team.get("deploymentPrincipalId", "")
        declared = {
            (scope, row["id"])
            for row in installed.data["deployers"]
            if row["environment"] == name
            for scope in _of_environment(installed, row["target"], name)
        }
        roles = {
            (_scope(assignment), role_of(assignment)): assignment
            for assignment in installed.of_type(_ROLES)
            if principal and principal_of(assignment) == principal
        }
        for (scope, _), assignment in roles.items():
            if (scope, role_of(assignment)) not in declared:
                text = f"the pipelines of {name} have a role on {scope} that is not declared"
                yield Finding(assignment.place, "deployers", text)
        if not principal and installed.data["environments"][name]["provisioned"]:
            text = f"provisioning names the identity of {name}'s pipelines, and deploymentPrincipalId does not"
            yield Finding(Place("generated/signalbox.json", 1), "deployers", text)
        if principal and declared - set(roles):
            text = f"the pipelines of {name} lack a role that is declared: they could not deploy"
            yield Finding(Place("team.bicep", 1), "deployers", text)


def persona_groups(installed: Installed) -> Iterator[Finding]:
    """The groups are those of the configuration, by which the app proves what people may do."""
    for persona, group in installed.data["groups"].items():
        if installed.parameters["groups"].get(persona) != group:
            text = f"the group of {persona} is not {group}, which provisioning.groups of signalbox.yaml says"
            yield Finding(Place("generated/signalbox.json", 1), "people", text)


RULES = (role_ids, declared_roles, people, deployers, persona_groups)


def role_of(assignment: Deployed) -> str:
    return str(assignment.properties.get("roleDefinitionId", "")).rpartition("/")[2]


def principal_of(assignment: Deployed) -> str:
    return str(assignment.properties.get("principalId", ""))


def _scope(assignment: Deployed) -> str:
    return assignment.scope or assignment.deployment.id


def _of_platform(installed: Installed, kind: str) -> list[Deployed]:
    resources = installed.evaluations["platform"].resources
    return [resource for resource in resources if resource.type == kind and not resource.existing]


def _of_environment(installed: Installed, kind: str, name: str) -> list[str]:
    evaluation = installed.evaluations.get(f"team:{name}")
    if evaluation is None:
        return []
    kinds = {
        "workspace": "Microsoft.MachineLearningServices/workspaces",
        "store": "Microsoft.Storage/storageAccounts",
    }
    if kind == "group":
        row = installed.data["environments"][name]
        return [f"/subscriptions/{row['subscription']}/resourceGroups/{row['resourceGroup']}"]
    return [entry.id for entry in evaluation.resources if entry.type == kinds[kind] and not entry.existing]


def _keys(installed: Installed, purpose: str) -> list[str]:
    platform = installed.parameters["platform"]
    names = {key["purpose"]: key["key"] for key in platform["signingKeys"]}
    if not platform["signingVault"]:
        return []
    group = (
        f"/subscriptions/{installed.parameters['subscription']}/resourceGroups/{installed.parameters['resourceGroup']}"
    )
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/{platform['signingVault']}"
    return [f"{vault}/keys/{names.get(purpose, f'MISSING-{purpose}')}"]
