"""Role assignments as rows for the templates: the app's, the platform's, and those of people. Pure."""

from collections.abc import Iterator

from shared.domain.configuration import Configuration
from shared.operations.roles.assignments import APP, COMPUTE, GRID, HOST, assignments
from shared.operations.roles.catalogue import ROLES

_IDENTITIES = {APP: "app", HOST: "app", COMPUTE: "compute", GRID: "grid"}
_SENDER = "Azure Service Bus Data Sender"
_ROLES = {role.name: role.id for role in ROLES}
_EXPERIMENTING = ("data-scientist", "ml-engineer")
_DEVELOPING = ("ml-engineer",)


def role_rows(configuration: Configuration) -> list[dict[str, str]]:
    """A row for each role of each assignment; the same role on the same scope once, with all its reasons."""
    rows = dict[tuple[str, str, str], dict[str, str]]()
    for identity, target, role, reason in _grants(configuration):
        row = {"identity": identity, "target": target, "role": role, "id": _ROLES[role], "why": reason}
        first = rows.setdefault((identity, target, role), row)
        if reason not in first["why"]:
            first["why"] += f"; {reason}"
    return list(rows.values())


def _grants(configuration: Configuration) -> Iterator[tuple[str, str, str, str]]:
    for assignment in assignments(configuration):
        for role in assignment.roles:
            yield _IDENTITIES[assignment.identity], assignment.target, role.name, assignment.why
    yield "grid", "events-queue", _SENDER, "delivers events to the queue of the app"


def hub_writers(configuration: Configuration) -> list[str]:
    """The personas that keep data of their own in a team's hub: those that experiment."""
    personas = {persona.role.name for persona in configuration.permissions.personas}
    return [name for name in _EXPERIMENTING if name in personas]


def persona_rows(configuration: Configuration) -> list[dict[str, str]]:
    """What people may do in Azure, by environment: they write where models are experiments, and read everywhere else.

    Above development nobody writes but the app: people act through its doors. The ladder says what is above.
    """
    experiments, developments = configuration.ladder.experiments, configuration.ladder.developments
    rows = list[dict[str, str]]()
    for persona in sorted(persona.role.name for persona in configuration.permissions.personas):
        if persona == "automation":
            continue  # The app's own identity acts for machines.
        for workspace in configuration.workspaces:
            may_write = (workspace.name in experiments and persona in _EXPERIMENTING) or (
                workspace.name in developments and persona in _DEVELOPING
            )
            role = "AzureML Data Scientist" if may_write else "Reader"
            rows.append({"persona": persona, "environment": workspace.name, "role": role, "id": _ROLES[role]})
    return rows


def deployer_rows(configuration: Configuration) -> list[dict[str, str]]:
    """What the identity of a team's pipelines may do, by environment; *target* is the workspace or its account.

    Where models are made, pipelines register them and upload their files. Above, the connection of Azure DevOps wants
    one role to sign in, and only the app writes.
    """
    making = {*configuration.ladder.experiments, *configuration.ladder.developments}
    rows = list[dict[str, str]]()
    for workspace in configuration.workspaces:
        grants = [("workspace", "Reader")]
        if workspace.name in making:
            grants = [("workspace", "AzureML Data Scientist"), ("store", "Storage Blob Data Contributor")]
        rows += [
            {"environment": workspace.name, "target": target, "role": role, "id": _ROLES[role]}
            for target, role in grants
        ]
    return rows
