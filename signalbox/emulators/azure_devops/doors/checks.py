"""Checks: configurations on a resource, and the suite of a stage with the state of each of its checks."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.shapes import list_shape, now
from signalbox.emulators.azure_devops.store import Document, Store

_CHECKS = "/{organisation}/{project}/_apis/pipelines/checks"
_KINDS = {
    "approval": ("8c6f20a7-a545-4486-9777-f762fafe0d4d", "Approval"),
    "task": ("fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "Task Check"),
    "poll": ("fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "Task Check"),
}


class CheckDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store) -> None:
        self._gatehouse, self._store = gatehouse, store

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(f"{_CHECKS}/configurations", self._configure)
        app.router.add_get(f"{_CHECKS}/configurations", self._list)
        app.router.add_get(f"{_CHECKS}/configurations/{{check:\\d+}}", self._show)
        app.router.add_get(f"{_CHECKS}/runs/{{suite}}", self._suite)

    async def _configure(self, request: web.Request) -> web.Response:
        member, body = self._gatehouse.person(request), await request.json()
        number = self._store.next_number("check")
        base = f"{self._gatehouse.organisation.base}/{self._gatehouse.project(request).id}"
        url = f"{base}/_apis/pipelines/checks/configurations/{number}"
        check = {
            "settings": body.get("settings", {}),
            "createdBy": member.ref(),
            "createdOn": now(),
            "modifiedBy": member.ref(),
            "modifiedOn": now(),
            "timeout": body.get("timeout", 43200),
            "_links": {"self": {"href": url}},
            "id": number,
            "type": body["type"],
            "url": url,
            "resource": body["resource"],
        }
        self._store.put("check", number, check)
        return web.json_response(check)

    async def _list(self, request: web.Request) -> web.Response:
        """All of them, or those of one resource; without `$expand=settings` they are left out, as there."""
        self._gatehouse.admit(request)
        kind, name = request.query.get("resourceType", ""), request.query.get("resourceId", "")
        checks = [
            check
            for check in self._store.all("check")
            if not kind or (check["resource"].get("type"), str(check["resource"].get("id"))) == (kind, name)
        ]
        if kind and request.query.get("$expand") != "settings":
            checks = [{field: value for field, value in check.items() if field != "settings"} for check in checks]
        return web.json_response(list_shape(checks))

    async def _show(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        check = self._store.get("check", request.match_info["check"])
        if check is None:
            raise Refusal(404, "The check does not exist.", "CheckConfigurationNotFoundException")
        return web.json_response(check)

    async def _suite(self, request: web.Request) -> web.Response:
        """A stage's id is its suite's."""
        self._gatehouse.admit(request)
        suite_id, base = request.match_info["suite"], self._gatehouse.organisation.base
        for run in self._store.all("run"):
            for stage in run["stages"]:
                if stage["id"] == suite_id:
                    return web.json_response(_suite_shape(base, run, stage))
        raise Refusal(404, f"Check suite {suite_id} does not exist.", "CheckSuiteNotFoundException")


def _suite_shape(base: str, run: Document, stage: Document) -> dict[str, Any]:
    gates = [gate for gate in stage["gates"] if gate["kind"] in _KINDS]
    states = [_status(gate) for gate in gates]
    bad = next((state for state in states if state in ("rejected", "canceled", "timedOut")), "")
    status = bad or ("approved" if states and set(states) == {"approved"} else "running")
    return {
        "status": status,
        "message": "",
        "checkRuns": [
            {
                "id": gate["id"],
                "createdDate": gate.get("started"),
                "checkConfigurationRef": {
                    "id": number + 1,
                    "type": dict(zip(("id", "name"), _KINDS[gate["kind"]], strict=True)),
                },
                "status": state,
            }
            for number, (gate, state) in enumerate(zip(gates, states, strict=True))
        ],
        "_links": {"self": {"href": f"{base}/{run['project']}/_apis/pipelines/checks/runs"}},
        "id": stage["id"],
        "context": {"PlanId": run["plan"], "Pipeline": {"Owner": {"Id": run["id"], "Name": run["name"]}}},
    }


def _status(gate: Document) -> str:
    if gate["state"] != "completed":
        return "running" if gate["state"] == "inProgress" else "queued"
    return {"succeeded": "approved", "failed": "rejected"}.get(gate["result"], str(gate["result"]))
