"""Approvals of pipelines, and facts: pull requests, the person of the directory behind a name, projects and hooks.

A run's timeline names its approvals: a record of type Checkpoint.Approval has the approval's own id.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.adapters.azure_devops.client import DevOpsRest, number_of
from shared.domain.devops.seen import ApprovalSeen, ApprovalStep, HookSeen, PullRequest
from shared.domain.devops.timelines import Timeline
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.people import mail_names

_API = {"api-version": "7.1"}
_EXPANDED = {**_API, "$expand": "steps"}
_GRAPH = {"api-version": "7.1-preview.1"}


class AzureDevOpsApprovals:
    """Implements `shared.ports.DevOpsApprovals`."""

    def __init__(self, client: DevOpsRest) -> None:
        self._client = client

    def find(self, organisation: str, project: str, approval: str) -> ApprovalSeen | None:
        url = self.address(organisation, project, approval)
        raw = self._client.get(url, f"read approval {approval}", **_EXPANDED)
        return None if raw is None else read_approval(raw)

    def address(self, organisation: str, project: str, approval: str) -> str:
        return self._client.url(organisation, project, "_apis", "pipelines", "approvals", approval)

    def of_run(self, organisation: str, project: str, run: int) -> tuple[ApprovalSeen, ...]:
        url = self._client.url(organisation, project, "_apis", "build", "builds", run, "timeline")
        timeline = self._client.get(url, f"read the timeline of run {run}", **_API) or {}
        stages = Timeline(timeline.get("records") or ()).approvals()
        approvals = [(self.find(organisation, project, name), stage) for name, stage in stages]
        return tuple(replace(approval, stage=stage) for approval, stage in approvals if approval is not None)

    def decide(self, organisation: str, project: str, approval: str, approved: bool, comment: str) -> None:
        """Decide the approval. One that has been decided already is read again and left as it is."""
        url = self._client.url(organisation, project, "_apis", "pipelines", "approvals")
        status = "approved" if approved else "rejected"
        update = [{"approvalId": approval, "status": status, "comment": comment[:1000]}]
        try:
            self._client.send("PATCH", url, f"decide approval {approval}", query=_API, json=update)
        except Refused:
            current = self.find(organisation, project, approval)
            if current is None or current.pending:
                raise


class AzureDevOpsFacts:
    """Implements `shared.ports.DevOpsFacts`."""

    def __init__(self, client: DevOpsRest) -> None:
        self._client = client

    def pull_request(self, organisation: str, project: str, repository: str, number: int) -> PullRequest | None:
        path = ("_apis", "git", "repositories", repository, "pullrequests", number)
        raw = self._client.get(self._client.url(organisation, project, *path), f"read pull request {number}", **_API)
        return None if raw is None else read_pull_request(raw)

    def person(self, organisation: str, descriptor: str) -> Person | None:
        organisation_url = f"{self._client.graph}{self._client.url(organisation).removeprefix(self._client.base)}"
        url = f"{organisation_url}/_apis/graph/users/{quote(descriptor, safe='')}"
        raw = self._client.get(url, "read who decided", **_GRAPH)
        # Only a person of the directory may decide. A group, a service principal or an account of Azure DevOps' own has
        # no object id of Entra, by which four eyes are told apart.
        if raw is None or raw.get("subjectKind") != "user" or raw.get("origin") != "aad":
            return None
        upn = str(raw["principalName"])
        mails = mail_names(upn, raw.get("mailAddress"))
        return Person(
            oid=str(raw["originId"]), name=upn, tenant=str(raw.get("domain") or "").lower(), upn=upn, mails=mails
        )

    def project_id(self, organisation: str, project: str) -> str:
        url = self._client.url(organisation, "_apis", "projects", project)
        return str((self._client.get(url, f"look for project {project}", **_API) or {}).get("id", "")).lower()

    def hooks(self, organisation: str) -> tuple[HookSeen, ...]:
        url = self._client.url(organisation, "_apis", "hooks", "subscriptions")
        raw = self._client.get(url, f"list the service hooks of {organisation}", consumerId="webHooks", **_API)
        if raw is None:
            raise Refused(f"organisation {organisation} is not there; check devops.organisations")
        return tuple(map(read_hook, raw.get("value") or ()))


def read_hook(raw: Mapping[str, Any]) -> HookSeen:
    """The hook in *raw*. Azure DevOps shows a confidential input as asterisks, and omits one that is not set."""
    inputs = raw.get("consumerInputs") or {}
    secret = bool(inputs.get("basicAuthPassword") or inputs.get("httpHeaders"))
    is_enabled = str(raw.get("status") or "enabled") == "enabled"
    return HookSeen(event=str(raw.get("eventType")), url=str(inputs.get("url", "")), secret=secret, enabled=is_enabled)


def read_approval(raw: Mapping[str, Any]) -> ApprovalSeen:
    """The approval in *raw*, of api-version 6.1 to 7.2; older versions do not name the pipeline."""
    owner = ((raw.get("pipeline") or {}).get("owner") or {}).get("id")
    steps = tuple(_decision(step) for step in raw.get("steps") or ())
    return ApprovalSeen(id=str(raw["id"]), status=str(raw["status"]), run=number_of(owner), steps=steps)


def read_pull_request(raw: Mapping[str, Any]) -> PullRequest:
    author = raw.get("createdBy") or {}
    return PullRequest(
        number=int(raw["pullRequestId"]),
        target=str(raw.get("targetRefName", "")),
        merged=raw.get("status") == "completed" and raw.get("mergeStatus") == "succeeded",
        commit=str((raw.get("lastMergeCommit") or {}).get("commitId", "")),
        description=str(raw.get("description") or ""),
        author=str(author.get("descriptor") or author.get("uniqueName") or ""),
    )


def _decision(step: Mapping[str, Any]) -> ApprovalStep:
    actual = step.get("actualApprover") or {}
    at = step.get("lastModifiedOn")
    return ApprovalStep(
        approver=_assignee_name(step.get("assignedApprover") or {}),
        status=str(step.get("status", "")),
        decider=str(actual.get("descriptor", "")),
        comment=str(step.get("comment") or ""),
        at=_moment(str(at)) if at else None,
    )


def _assignee_name(identity: Mapping[str, Any]) -> str:
    """A group's unique name is `vstfs:///Classification/TeamProject/GUID\\Name`, which nobody would configure."""
    return str(identity.get("displayName" if identity.get("isContainer") is True else "uniqueName", ""))


def _moment(text: str) -> datetime:
    """Azure DevOps writes up to seven decimals of a second; Python reads six."""
    seconds, _, decimals = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{decimals[:6]:0<6}+00:00")
