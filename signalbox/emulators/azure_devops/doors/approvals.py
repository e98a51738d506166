"""Approvals: read one or several, and decide. Whoever decides must be an approver, directly or by a group."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.calls import Caller
from signalbox.emulators.azure_devops.estate import Member
from signalbox.emulators.azure_devops.runs import Runs
from signalbox.emulators.azure_devops.shapes import FINAL, approval_shape, many, now
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
        wanted = [each.strip().lower() for each in request.query.get("approvalIds", "").split(",") if each.strip()]
        state = request.query.get("state", "")
        found = [each for each in self._store.all("approval") if each["project"] == project.id]
        found = [each for each in found if not wanted or each["id"] in wanted]
        found = [each for each in found if state in ("", "all", each["status"])]
        return web.json_response(many([self._shape(request, each) for each in found]))

    async def _show(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        return web.json_response(self._shape(request, self._approval(request, request.match_info["approval"])))

    async def _update(self, request: web.Request) -> web.Response:
        """An array of `{approvalId, status, comment}`."""
        who, body = self._gatehouse.person(request), await request.json()
        if not isinstance(body, list) or not body:
            raise Refusal(400, "The body is not an array of updates.")
        decided = [self._decide(request, who, each) for each in body]
        base = self._gatehouse.organisation.base
        return web.json_response(many([approval_shape(base, each) for each in decided]))

    def _decide(self, request: web.Request, who: Member, update: dict[str, Any]) -> Document:
        approval, status = self._approval(request, str(update.get("approvalId", ""))), update.get("status")
        if status not in ("approved", "rejected"):
            raise Refusal(400, f"Status {status!r} cannot be set.", "InvalidApprovalUpdate")
        if approval["status"] in FINAL:
            raise Refusal(400, f"Approval {approval['id']} is {approval['status']} already.", "ApprovalNotPending")
        if any(each["id"] == who.id for each in approval["blockedApprovers"]):
            raise Refusal(403, f"{who.unique_name} asked for the run and cannot decide.", "ApprovalUnauthorized")
        step = self._step(approval, who)
        step.update(status=status, comment=str(update.get("comment", "")), actualApprover=who.ref())
        step.update(lastModifiedOn=now(), lastModifiedBy=who.ref())
        approval["lastModifiedOn"] = now()
        _settle(approval)
        self._store.put("approval", approval["id"], approval)
        self._store.count("decisions", f"{approval['id']}/{who.unique_name}")
        if approval["status"] in FINAL:
            self._caller.tell_approval("ms.vss-pipelinechecks-events.approval-completed", approval)
            result = "succeeded" if approval["status"] == "approved" else "rejected"
            self._runs.conclude(approval["run"], approval["id"], result)
        return approval

    def _step(self, approval: Document, who: Member) -> Document:
        """The step that waits for *who*."""
        groups = self._gatehouse.organisation.groups
        for step in approval["steps"]:
            assigned = step["assignedApprover"]
            members = groups.get(assigned["displayName"], ()) if assigned.get("isContainer") else ()
            if step["status"] == "pending" and (assigned["id"] == who.id or who.unique_name in members):
                found: Document = step
                return found
        raise Refusal(403, f"{who.unique_name} is not an approver of {approval['id']}.", "ApprovalUnauthorized")

    def _approval(self, request: web.Request, name: str) -> Document:
        found = self._store.get("approval", name)
        if found is None or found["project"] != self._gatehouse.project(request).id:
            raise Refusal(404, f"Approval {name} does not exist.", "ApprovalNotFoundException")
        return found

    def _shape(self, request: web.Request, approval: Document) -> dict[str, Any]:
        expanded = "steps" in request.query.get("$expand", "").lower()
        return approval_shape(self._gatehouse.organisation.base, approval, expanded)


def _settle(approval: Document) -> None:
    """Rejected by anybody, or approved by as many as it takes; whoever was not needed is skipped."""
    said = [step["status"] for step in approval["steps"]]
    needed = approval["minRequiredApprovers"] or len(said)
    if "rejected" in said:
        approval["status"] = "rejected"
    elif said.count("approved") >= needed:
        approval["status"] = "approved"
    if approval["status"] in FINAL:
        for step in approval["steps"]:
            step["status"] = "skipped" if step["status"] == "pending" else step["status"]
