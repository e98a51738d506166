"""Distributed task: a plan, its events, timeline records with their feed, and logs, in the shapes of the recordings."""

import json
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.runs import Runs
from signalbox.emulators.azure_devops.shapes import NEVER, list_shape, log_shape, now, record_shape
from signalbox.emulators.azure_devops.store import Document, Store

_HUBS = ("build", "release", "gates", "checks")
_PLAN = "/{organisation}/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}"
_NOBODY = "00000000-0000-0000-0000-000000000000"
_OLD_GATES = 12


class TaskDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store, runs: Runs) -> None:
        self._gatehouse, self._store, self._runs = gatehouse, store, runs

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(_PLAN, self._plan)
        app.router.add_post(f"{_PLAN}/events", self._event)
        app.router.add_post(f"{_PLAN}/logs", self._create_log)
        app.router.add_post(f"{_PLAN}/logs/{{log}}", self._append_log)
        app.router.add_get(f"{_PLAN}/timelines/{{timeline}}/records", self._records)
        app.router.add_patch(f"{_PLAN}/timelines/{{timeline}}/records", self._update_records)
        app.router.add_post(f"{_PLAN}/timelines/{{timeline}}/records/{{record}}/feed", self._feed)

    async def _plan(self, request: web.Request) -> web.Response:
        run = self._admit(request)
        shape = {
            "planId": run["plan"],
            "scopeIdentifier": run["project"],
            "planType": request.match_info["hub"],
            "version": run["version"],
            "owner": {"id": run["owner"] or run["id"], "name": run["name"]},
            "definition": {"id": run["pipeline"], "name": run["definition"]},
            "timeline": {"id": run["plan"]},
            "requestedForId": run["requestedFor"]["id"],
            "state": "completed" if run["state"] == "completed" else "inProgress",
        }
        return web.json_response(shape)

    async def _event(self, request: web.Request) -> web.Response:
        """TaskCompleted releases the task; one that has ended already is left as it is, and counted apart."""
        run, body = self._admit(request), await _object(request)
        if body.get("name") not in ("TaskCompleted", "TaskStarted", "TaskAssigned"):
            raise Refusal(400, f"Event {body.get('name')!r} is not known.")
        task, job = str(body.get("taskId", "")).lower(), str(body.get("jobId", "")).lower()
        if request.match_info["hub"].lower() == "gates" and run["version"] <= _OLD_GATES:
            task, job = (job, "") if task == _NOBODY else ("", "")
        record = self._store.get("record", task)
        if record is None or record["plan"] != run["plan"] or job not in ("", record["job"]):
            raise Refusal(404, f"Task {body.get('taskId')} of job {body.get('jobId')} is not in plan {run['plan']}.")
        if body["name"] == "TaskCompleted":
            self._complete(run, record, str(body.get("result")))
        return web.Response(status=204)

    def _complete(self, run: Document, record: Document, result: str) -> None:
        if result not in ("succeeded", "failed"):
            raise Refusal(400, f"Result {result!r} is not known.")
        is_repeated = record["state"] == "completed"
        self._store.count("completed again" if is_repeated else "completed", record["id"])
        if not is_repeated:
            self._runs.conclude(run["id"], record["id"], result)

    async def _feed(self, request: web.Request) -> web.Response:
        run, body = self._admit(request), await _object(request)
        lines = [str(line)[:1024] for line in body.get("value", ())]
        self._store.count("feeds", run["plan"])
        self._store.change("run", run["id"], lambda doc: doc["log"].extend(lines))
        return web.Response(status=204)

    async def _create_log(self, request: web.Request) -> web.Response:
        run, body = self._admit(request), await _object(request)
        number = self._store.next_number(f"log {run['plan']}")
        log = {"path": str(body.get("path", "")), "lineCount": 0, "createdOn": now(), "lastChangedOn": now()}
        log |= {"id": number, "location": None, "lines": []}
        self._store.put("log", f"{run['plan']}/{number}", log)
        return web.json_response(log_shape(log))

    async def _append_log(self, request: web.Request) -> web.Response:
        run, text = self._admit(request), (await request.read()).decode()

        def append(log: Document) -> None:
            log["lines"] += text.splitlines()
            log.update(lineCount=len(log["lines"]), lastChangedOn=now())

        try:
            log = self._store.change("log", f"{run['plan']}/{request.match_info['log']}", append)
        except KeyError as error:
            raise Refusal(404, f"Log {request.match_info['log']} does not exist.") from error
        return web.json_response(log_shape(log))

    async def _records(self, request: web.Request) -> web.Response:
        run = self._admit(request)
        return web.json_response(list_shape([self._shape(record) for record in self._of(run)]))

    async def _update_records(self, request: web.Request) -> web.Response:
        run, body = self._admit(request), await _object(request)
        records, changes = {record["id"]: record for record in self._of(run)}, []
        for change in body.get("value", ()):
            record = records.get(str(change.get("id", "")).lower())
            if record is None:
                raise Refusal(404, f"Record {change.get('id')} is not in the timeline.")
            if change.get("log"):
                record["log"] = change["log"]["id"]
            record["change"] += 1
            self._store.put("record", record["id"], record)
            changes.append(self._shape(record))
        return web.json_response(list_shape(changes))

    def _of(self, run: Document) -> list[Document]:
        return [record for record in self._store.all("record") if record["plan"] == run["plan"]]

    def _shape(self, record: Document) -> Document:
        return {"lastModified": NEVER, **record_shape(self._gatehouse.organisation, record)}

    def _admit(self, request: web.Request) -> Document:
        """The plan's run. Raises Refusal."""
        caller = self._gatehouse.admit(request, request.match_info["plan"])
        self._store.count("spoken by the task" if caller.member is None else "spoken by the app", caller.plan or "app")
        self._gatehouse.project(request)
        if request.match_info["hub"].lower() not in _HUBS:
            raise Refusal(404, f"Hub {request.match_info['hub']} does not exist.")
        try:
            return self._runs.of_plan(request.match_info["plan"])
        except KeyError as error:
            raise Refusal(404, f"Plan {request.match_info['plan']} does not exist.", "PlanNotFound") from error


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise Refusal(400, "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Refusal(400, "The body is not an object.")
    return body
