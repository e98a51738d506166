"""The set-up of a team in Azure DevOps, by REST alone: YAML makes none of it, and an environment without its checks.

Everything is looked for by its name. What is missing is made; what is there and is another is said and left.
"""

from typing import Any

from shared.adapters.azure_devops.client import DevOpsRest
from shared.adapters.azure_devops.repositories import Repositories
from shared.domain.failures import Refused
from shared.domain.provisioning.set_up import (
    Federation,
    SetUpSeen,
    WantedConnection,
    WantedEnvironment,
    WantedSetUp,
)

_API, _CHECKS = {"api-version": "7.1"}, {"api-version": "7.1-preview.1"}
APPROVAL = {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}
TASK_CHECK = {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}
_BRANCH_CONTROL = {"id": "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b", "name": "evaluatebranchProtection", "version": "0.0.1"}
_TIMEOUT_MINUTES = 43200
_Raw = dict[str, Any]


class AzureDevOpsSetUp:
    """Implements `shared.ports.DevOpsSetUp`."""

    def __init__(self, client: DevOpsRest) -> None:
        self._client = client

    def look(self, wanted: WantedSetUp) -> SetUpSeen:
        return _Walk(self._client, wanted, makes=False).seen()

    def ensure(self, wanted: WantedSetUp) -> SetUpSeen:
        return _Walk(self._client, wanted, makes=True).seen()


class _Walk:
    """One look at everything in its order; *makes*: what is missing is made on the way."""

    def __init__(self, client: DevOpsRest, wanted: WantedSetUp, makes: bool) -> None:
        self._client, self._wanted, self._makes = client, wanted, makes
        self._made, self._differences, self._federations = list[str](), list[str](), list[Federation]()
        self._project = self._project_reference()

    def seen(self) -> SetUpSeen:
        # Environments come first: a run that names one would make it without checks.
        for environment in self._wanted.environments:
            self._environment(environment)
        for connection in self._wanted.connections:
            self._connection(connection)
        self._variables()
        self._repository()
        made, differences = tuple(self._made), tuple(self._differences)
        return SetUpSeen(made=made, differences=differences, federations=tuple(self._federations))

    def _environment(self, wanted: WantedEnvironment) -> None:
        what, url = f"environment {wanted.name}", self._url("pipelines", "environments")
        body = {"name": wanted.name, "description": self._wanted.mark}
        found = self._first(url, what, "name", wanted.name, body, {"name": wanted.name})
        if found is None:
            return
        checks = [("branch control", TASK_CHECK, _branch_settings(wanted.branch))]
        if wanted.approvers:
            checks.append(("approval", APPROVAL, _approval_settings(wanted.approvers)))
        self._guard("environment", str(found["id"]), what, checks)

    def _connection(self, wanted: WantedConnection) -> None:
        what, url = f"connection {wanted.name}", self._url("serviceendpoint", "endpoints")
        body = _connection_body(wanted, self._wanted.mark, self._project)
        home = self._client.url(self._wanted.organisation, "_apis", "serviceendpoint", "endpoints")
        found = self._first(url, what, "name", wanted.name, body, {"endpointNames": wanted.name}, home)
        if found is None:
            return
        parameters = (found.get("authorization") or {}).get("parameters") or {}
        kept = (
            (found.get("authorization") or {}).get("scheme"),
            parameters.get("serviceprincipalid"),
            (found.get("data") or {}).get("subscriptionId"),
        )
        if kept != ("WorkloadIdentityFederation", wanted.client, wanted.subscription):
            self._differences.append(f"{what} is as {kept[1]} of {kept[2]} by {kept[0]}, and not as ordered")
        issuer = str(parameters.get("workloadIdentityFederationIssuer", ""))
        subject = str(parameters.get("workloadIdentityFederationSubject", ""))
        self._federations.append(
            Federation(connection=wanted.name, client=wanted.client, issuer=issuer, subject=subject)
        )
        self._guard(
            "endpoint", str(found["id"]), what, [("branch control", TASK_CHECK, _branch_settings(wanted.branch))]
        )

    def _variables(self) -> None:
        wanted, what = self._wanted, f"variable group {self._wanted.group}"
        values = {name: {"value": value} for name, value in wanted.variables}
        reference = {"name": wanted.group, "description": wanted.mark, "projectReference": self._project}
        body = {"name": wanted.group, "description": wanted.mark, "type": "Vsts", "variables": values}
        home = self._client.url(wanted.organisation, "_apis", "distributedtask", "variablegroups")
        found = self._first(
            self._url("distributedtask", "variablegroups"),
            what,
            "name",
            wanted.group,
            {**body, "variableGroupProjectReferences": [reference]},
            {"groupName": wanted.group},
            home,
        )
        kept = {name: (row or {}).get("value") for name, row in ((found or {}).get("variables") or {}).items()}
        if found is not None and kept != dict(wanted.variables):
            self._differences.append(f"{what} has other values than ordered")

    def _repository(self) -> None:
        """Made, and begun from the template. Once it has the branch, its content is the team's."""
        wanted, url = self._wanted.repository, self._url("git", "repositories")
        what, repositories = f"repository {wanted.name}", Repositories(self._client, url)
        found = repositories.find(wanted.name)
        if found is None:
            found = self._make(url, what, {"name": wanted.name, "project": self._project})
        if found is None or repositories.has_branch(str(found["id"]), wanted.branch):
            return
        if not self._makes:
            self._differences.append(f"{what} has no {wanted.branch}")
        elif repositories.begin(str(found["id"]), wanted):
            self._made.append(f"first commit of {what}")

    def _first(
        self, url: str, what: str, field: str, name: str, body: _Raw, query: dict[str, str], home: str = ""
    ) -> _Raw | None:
        """The one called *name*, made by *body* where it is missing. None where it stays missing."""
        listing = self._client.get(url, f"look for {what}", **_API, **query) or {}
        for item in listing.get("value", ()):
            if str(item.get(field, "")).lower() == name.lower():
                return dict(item)
        return self._make(home or url, what, body)

    def _make(self, url: str, what: str, body: _Raw, query: dict[str, str] | None = None) -> _Raw | None:
        if not self._makes:
            self._differences.append(f"{what} is missing")
            return None
        answer = self._client.send("POST", url, f"make {what}", accept=(200, 201), query=query or _API, json=body)
        self._made.append(what)
        return dict(answer.json())

    def _guard(self, kind: str, name: str, what: str, checks: list[tuple[str, dict[str, str], _Raw]]) -> None:
        """The checks on a resource, and that it is not open to every pipeline."""
        url = self._url("pipelines", "checks", "configurations")
        query = {"resourceType": kind, "resourceId": name, "$expand": "settings"}
        listing = self._client.get(url, f"read the checks of {what}", **_CHECKS, **query) or {}
        present = list(listing.get("value", ()))
        for title, check_type, settings in checks:
            same = [check for check in present if _is_same(check, check_type, settings)]
            if same and not any(_fits(check["settings"], settings) for check in same):
                self._differences.append(f"the {title} of {what} is not as ordered")
            elif not same:
                body = {"type": check_type, "settings": settings, "timeout": _TIMEOUT_MINUTES}
                resource = {"type": kind, "id": name, "name": what.partition(" ")[2]}
                self._make(url, f"{title} of {what}", {**body, "resource": resource}, _CHECKS)
        permissions = self._client.get(
            self._url("pipelines", "pipelinepermissions", kind, name), f"read who may use {what}", **_CHECKS
        )
        if ((permissions or {}).get("allPipelines") or {}).get("authorized") is True:
            self._differences.append(f"{what} is open to every pipeline")

    def _project_reference(self) -> dict[str, str]:
        wanted = self._wanted
        url = self._client.url(wanted.organisation, "_apis", "projects", wanted.project)
        project = self._client.get(url, f"look for project {wanted.project}", **_API)
        if project is None:
            raise Refused(f"project {wanted.project} is not in {wanted.organisation}; make it, with its people, first")
        return {"id": str(project["id"]), "name": str(project["name"])}

    def _url(self, *parts: object) -> str:
        return self._client.url(self._wanted.organisation, self._wanted.project, "_apis", *parts)


def _branch_settings(branch: str) -> _Raw:
    inputs = {"allowedBranches": branch, "ensureProtectionOfBranch": "true", "allowUnknownStatusBranch": "false"}
    return {"displayName": "Branch control", "definitionRef": _BRANCH_CONTROL, "inputs": inputs, "retryInterval": 5}


def _approval_settings(approvers: tuple[str, ...]) -> _Raw:
    return {
        "approvers": [{"id": approver} for approver in approvers],
        "executionOrder": "anyOrder",
        "minRequiredApprovers": len(approvers),
        "blockedApprovers": [],
        "instructions": "Approve what you have read.",
        "requesterCannotBeApprover": True,
    }


def _connection_body(wanted: WantedConnection, mark: str, project: dict[str, str]) -> _Raw:
    reference = {"projectReference": project, "name": wanted.name, "description": mark}
    data = {"subscriptionId": wanted.subscription, "subscriptionName": wanted.subscription}
    data |= {"environment": "AzureCloud", "scopeLevel": "Subscription", "creationMode": "Manual"}
    parameters = {"tenantid": wanted.tenant, "serviceprincipalid": wanted.client}
    return {
        "name": wanted.name,
        "type": "azurerm",
        "url": "https://management.azure.com/",
        "description": mark,
        "data": data,
        "authorization": {"scheme": "WorkloadIdentityFederation", "parameters": parameters},
        "isShared": False,
        "isReady": True,
        "serviceEndpointProjectReferences": [reference],
    }


def _is_same(check: _Raw, check_type: dict[str, str], settings: _Raw) -> bool:
    """Whether it is the check in question: checks have no id of ours, and are known by type and what they run."""
    of_type = str((check.get("type") or {}).get("id", "")).lower() == check_type["id"]
    definition = settings.get("definitionRef")
    kept = (check.get("settings") or {}).get("definitionRef") or {}
    return of_type and (definition is None or str(kept.get("id", "")).lower() == definition["id"])


def _fits(kept: _Raw, settings: _Raw) -> bool:
    """Whether the check demands at least what was ordered, whatever the service adds to it."""
    if "approvers" in settings:
        ordered = {row["id"] for row in settings["approvers"]}
        present = {str(row.get("id", "")) for row in kept.get("approvers", ())}
        return present == ordered and int(kept.get("minRequiredApprovers") or 0) >= settings["minRequiredApprovers"]
    inputs: _Raw = kept.get("inputs") or {}
    return all(str(inputs.get(name, "")).lower() == value.lower() for name, value in settings["inputs"].items())
