"""Approvals: read one or several, and decide. The person who decides must be an approver, directly or by a group."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.calls import Caller
from signalbox.emulators.azure_devops.estate import Member
from signalbox.emulators.azure_devops.runs import Runs
from signalbox.emulators.azure_devops.shapes import FINAL, approval_shape, list_shape, now
from signalbox.emulators.azure_devops.store import Document, Store

_APPROVALS = "/{organisation}/{project}/_apis/pipelines/approvals"


class ApprovalDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store, runs: Runs, caller: Caller) -> None:
        self._gatehouse, self._store, self._runs, self._caller = gatehouse, store, runs, caller

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(_APPROVALS, self._query)
        app.router.add_get(f"{_APPROVALS}/{{approval}}", self._show)
        app.router.add_patch(_APPROVALS, self._update)

    async def _query(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        project = self._gatehouse.project(request)
        ids = [name.strip().lower() for name in request.query.get("approvalIds", "").split(",") if name.strip()]
        state = request.query.get("state", "")
        approvals = [approval for approval in self._store.all("approval") if approval["project"] == project.id]
        approvals = [approval for approval in approvals if not ids or approval["id"] in ids]
        approvals = [approval for approval in approvals if state in ("", "all", approval["status"])]
        return web.json_response(list_shape([self._shape(request, approval) for approval in approvals]))

    async def _show(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        return web.json_response(self._shape(request, self._approval(request, request.match_info["approval"])))

    async def _update(self, request: web.Request) -> web.Response:
        """An array of `{approvalId, status, comment}`."""
        member, body = self._gatehouse.person(request), await request.json()
        if not isinstance(body, list) or not body:
            raise Refusal(400, "The body is not an array of updates.")
        approvals = [self._decide(request, member, update) for update in body]
        base = self._gatehouse.organisation.base
        return web.json_response(list_shape([approval_shape(base, approval) for approval in approvals]))

    def _decide(self, request: web.Request, member: Member, update: dict[str, Any]) -> Document:
        approval, status = self._approval(request, str(update.get("approvalId", ""))), update.get("status")
        if status not in ("approved", "rejected"):
            raise Refusal(400, f"Status {status!r} cannot be set.", "InvalidApprovalUpdate")
        if approval["status"] in FINAL:
            raise Refusal(400, f"Approval {approval['id']} is {approval['status']} already.", "ApprovalNotPending")
        if any(approver["id"] == member.id for approver in approval["blockedApprovers"]):
            raise Refusal(403, f"{member.unique_name} asked for the run and cannot decide.", "ApprovalUnauthorized")
        step = self._step(approval, member)
        step.update(status=status, comment=str(update.get("comment", "")), actualApprover=member.ref())
        step.update(lastModifiedOn=now(), lastModifiedBy=member.ref())
        approval["lastModifiedOn"] = now()
        _settle(approval)
        self._store.put("approval", approval["id"], approval)
        self._store.count("decisions", f"{approval['id']}/{member.unique_name}")
        if approval["status"] in FINAL:
            self._caller.tell_approval("ms.vss-pipelinechecks-events.approval-completed", approval)
            result = "succeeded" if approval["status"] == "approved" else "rejected"
            self._runs.conclude(approval["run"], approval["id"], result)
        return approval

    def _step(self, approval: Document, member: Member) -> Document:
        """The step that waits for *member*."""
        groups = self._gatehouse.organisation.groups
        for step in approval["steps"]:
            approver = step["assignedApprover"]
            members = groups.get(approver["displayName"], ()) if approver.get("isContainer") else ()
            if step["status"] == "pending" and (approver["id"] == member.id or member.unique_name in members):
                pending_step: Document = step
                return pending_step
        raise Refusal(403, f"{member.unique_name} is not an approver of {approval['id']}.", "ApprovalUnauthorized")

    def _approval(self, request: web.Request, name: str) -> Document:
        approval = self._store.get("approval", name)
        if approval is None or approval["project"] != self._gatehouse.project(request).id:
            raise Refusal(404, f"Approval {name} does not exist.", "ApprovalNotFoundException")
        return approval

    def _shape(self, request: web.Request, approval: Document) -> dict[str, Any]:
        shows_steps = "steps" in request.query.get("$expand", "").lower()
        return approval_shape(self._gatehouse.organisation.base, approval, shows_steps)


def _settle(approval: Document) -> None:
    """Rejected by anybody, or approved by as many as are required; the steps that were not needed are skipped."""
    statuses = [step["status"] for step in approval["steps"]]
    least_approvals = approval["minRequiredApprovers"] or len(statuses)
    if "rejected" in statuses:
        approval["status"] = "rejected"
    elif statuses.count("approved") >= least_approvals:
        approval["status"] = "approved"
    if approval["status"] in FINAL:
        for step in approval["steps"]:
            step["status"] = "skipped" if step["status"] == "pending" else step["status"]
