"""What the people of each persona may do in an environment: their group's roles in Azure, against the matrix.

A look cannot sign in as a person. It takes the role assignments that count on the workspace, with their definitions as
Azure gives them, and asks of each deed whether they allow it: too little is as wrong as too much.
"""

from collections.abc import Mapping

from shared.domain.azure import resources
from shared.domain.azure.inspection import RoleGiven
from shared.domain.inference.routes import Workspace
from shared.operations.doctor.findings import Finding, Findings, Site, SubjectReport
from shared.operations.infrastructure.role_rows import persona_rows
from shared.operations.roles.catalogue import ROLES, BuiltIn

_ML = "Microsoft.MachineLearningServices/workspaces"
_AUTHORIZATION = "Microsoft.Authorization/roleAssignments"
# One deed of each kind that the matrix tells apart; the actions are those of Azure's permissions reference.
DEEDS: Mapping[str, str] = {
    "list datastores": f"{_ML}/datastores/read",
    "see jobs": f"{_ML}/jobs/read",
    "run jobs": f"{_ML}/jobs/write",
    "register models": f"{_ML}/models/versions/write",
    "deploy": f"{_ML}/onlineEndpoints/deployments/write",
    "change datastores": f"{_ML}/datastores/write",
    "read the workspace's keys": f"{_ML}/listKeys/action",
    "change the workspace": f"{_ML}/write",
    "delete the workspace": f"{_ML}/delete",
    "give roles": f"{_AUTHORIZATION}/write",
}
_ROLES = {role.id: role for role in ROLES}


def check_personas(site: Site, workspace: Workspace, groups: Mapping[str, str]) -> Findings:
    """A finding for each persona that has a group in *groups*, the object ids by persona. Raises Hidden."""
    given = site.control.roles_given(resources.workspace(workspace))
    for row in persona_rows(site.configuration):
        if row["environment"] == workspace.name and row["persona"] in groups:
            report = SubjectReport("personas", f"{row['persona']} in {workspace.workspace}")
            own = tuple(role for role in given if role.principal == groups[row["persona"]])
            yield _judge(report, _ROLES[row["id"]], own, groups[row["persona"]])


def _judge(report: SubjectReport, declared: BuiltIn, own: tuple[RoleGiven, ...], group: str) -> Finding:
    may = {deed for deed, action in DEEDS.items() if any(role.allows(action) for role in own)}
    should = {deed for deed, action in DEEDS.items() if declared.grants.allows(action)}
    lacking, excess = ([deed for deed in DEEDS if deed in part] for part in (should - may, may - should))
    if lacking:
        return report.broken(f"cannot {', '.join(lacking)}", f"give group {group} {declared.name} on the workspace")
    if excess:
        roles = ", ".join(sorted({f"{role.role} on {role.scope}" for role in own if _exceeds(role, declared)}))
        fact = f"could {', '.join(excess)}, which the matrix refuses, by {roles}"
        return report.broken(fact, f"take that away from group {group}")
    return report.ok(f"may do what {declared.name} says, and nothing else")


def _exceeds(role: RoleGiven, declared: BuiltIn) -> bool:
    return any(role.allows(action) and not declared.grants.allows(action) for action in DEEDS.values())
