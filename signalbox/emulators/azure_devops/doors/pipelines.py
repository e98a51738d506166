"""Pipelines and their runs, the builds behind them, and a build's timeline with the approvals that it waits for."""

import uuid
from base64 import b64decode
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.runs import Runs
from signalbox.emulators.azure_devops.shapes import build_shape, list_shape, pipeline_shape, run_shape
from signalbox.emulators.azure_devops.store import Document, Store

_APIS = "/{organisation}/{project}/_apis"
_LISTED = 10_000


class PipelineDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store, runs: Runs) -> None:
        self._gatehouse, self._store, self._runs = gatehouse, store, runs

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(f"{_APIS}/pipelines", self._list)
        app.router.add_get(f"{_APIS}/pipelines/{{pipeline:\\d+}}", self._show)
        app.router.add_get(f"{_APIS}/pipelines/{{pipeline:\\d+}}/runs", self._list_runs)
        app.router.add_post(f"{_APIS}/pipelines/{{pipeline:\\d+}}/runs", self._create)
        app.router.add_get(f"{_APIS}/pipelines/{{pipeline:\\d+}}/runs/{{run:\\d+}}", self._show_run)
        app.router.add_get(f"{_APIS}/build/builds/{{run:\\d+}}", self._build)
        app.router.add_patch(f"{_APIS}/build/builds/{{run:\\d+}}", self._change_build)
        app.router.add_get(f"{_APIS}/build/builds/{{run:\\d+}}/timeline", self._timeline)
        attachments = f"{_APIS}/build/builds/{{run:\\d+}}/attachments/{{type}}"
        app.router.add_get(attachments, self._attachments)
        app.router.add_get(
            f"{_APIS}/build/builds/{{run:\\d+}}/{{plan}}/{{record}}/attachments/{{type}}/{{name}}", self._attachment
        )
        app.router.add_get("/{organisation}/_apis/projects/{project}", self._project)
        app.router.add_get("/{organisation}/_apis/graph/users/{descriptor}", self._user)

    async def _attachments(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        run, kind = self._run(request), request.match_info["type"]
        rows = [row for row in self._store.all("attachment") if (row["run"], row["type"]) == (run["id"], kind)]
        base = f"{self._gatehouse.organisation.base}/{run['project']}/_apis/build/builds/{run['id']}/{run['plan']}"
        record = run["stages"][0]["steps"][0]["id"]
        shapes = [
            {"name": row["name"], "_links": {"self": {"href": f"{base}/{record}/attachments/{kind}/{row['name']}"}}}
            for row in rows
        ]
        return web.json_response(list_shape(shapes))

    async def _attachment(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        run, kind, name = (request.match_info[part] for part in ("run", "type", "name"))
        row = self._store.get("attachment", f"{run}/{kind}/{name}")
        if row is None:
            raise Refusal(404, f"The attachment {name} was not found.", "AttachmentNotFoundException")
        return web.Response(body=b64decode(row["content"]), content_type="application/octet-stream")

    async def _project(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        project, base = self._gatehouse.project(request), self._gatehouse.organisation.base
        url = f"{base}/_apis/projects/{project.id}"
        return web.json_response({"id": project.id, "name": project.name, "url": url, "state": "wellFormed"})

    async def _list(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        project = self._gatehouse.project(request)
        pipelines = [pipeline for pipeline in self._store.all("pipeline") if pipeline["project"] == project.id]
        return web.json_response(
            list_shape([pipeline_shape(self._gatehouse.organisation, pipeline) for pipeline in pipelines])
        )

    async def _show(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        return web.json_response(pipeline_shape(self._gatehouse.organisation, self._pipeline(request)))

    async def _list_runs(self, request: web.Request) -> web.Response:
        """The newest first; a listed run shows no parameters."""
        self._gatehouse.admit(request)
        pipeline = self._pipeline(request)
        runs = [run for run in reversed(self._store.all("run")) if run["pipeline"] == pipeline["id"]][:_LISTED]
        shapes = [run_shape(self._gatehouse.organisation, run, pipeline) for run in runs]
        return web.json_response(list_shape([{**shape, "templateParameters": {}} for shape in shapes]))

    async def _create(self, request: web.Request) -> web.Response:
        member, pipeline = self._gatehouse.person(request), self._pipeline(request)
        body = await request.json()
        parameters = body.get("templateParameters") or {}
        unknown = set(parameters) - set(pipeline.get("parameters", {}))
        if unknown or not all(isinstance(value, str) for value in parameters.values()):
            names = ", ".join(sorted(unknown)) or "a value that is not a string"
            raise Refusal(400, f"Unexpected parameter: {names}", "PipelineValidationException")
        run = self._runs.create(pipeline, parameters, member)
        return web.json_response(run_shape(self._gatehouse.organisation, run, pipeline))

    async def _show_run(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        pipeline = self._pipeline(request)
        return web.json_response(run_shape(self._gatehouse.organisation, self._run(request), pipeline))

    async def _build(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        project = self._gatehouse.project(request)
        return web.json_response(build_shape(self._gatehouse.organisation, project, self._run(request)))

    async def _change_build(self, request: web.Request) -> web.Response:
        """Cancels: `{"status": "cancelling"}`."""
        self._gatehouse.person(request)
        run, body = self._run(request), await request.json()
        if str(body.get("status", "")).lower() != "cancelling":
            raise Refusal(400, "Only the status can be changed, to cancelling.")
        self._runs.cancel(run["id"])
        project = self._gatehouse.project(request)
        return web.json_response(build_shape(self._gatehouse.organisation, project, self._runs.get(run["id"])))

    async def _timeline(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        run = self._run(request)
        records = [record for stage in run["stages"] for record in _stage_records(stage)]
        return web.json_response({"records": records, "id": run["plan"], "changeId": 1})

    async def _user(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        subject = self._gatehouse.organisation.described(request.match_info["descriptor"])
        if subject is None or subject.kind == "group":
            raise Refusal(404, "VS860017: The subject does not exist.", "GraphSubjectNotFoundException")
        return web.json_response(subject.graph())

    def _pipeline(self, request: web.Request) -> Document:
        pipeline = self._store.get("pipeline", request.match_info["pipeline"])
        if pipeline is None or pipeline["project"] != self._gatehouse.project(request).id:
            raise Refusal(404, f"Pipeline {request.match_info['pipeline']} not found.", "PipelineNotFoundException")
        return pipeline

    def _run(self, request: web.Request) -> Document:
        run = self._store.get("run", request.match_info["run"])
        if run is None or run["project"] != self._gatehouse.project(request).id:
            raise Refusal(404, f"Run {request.match_info['run']} not found.", "RunNotFoundException")
        return run


def _stage_records(stage: Document) -> list[dict[str, Any]]:
    """Stage > Checkpoint > what it waits for, and Stage > Phase > Job > Task; an approval's record has its id."""
    stage_fields = {"state": stage["state"], "result": stage["result"], "identifier": stage["name"]}
    checkpoint, phase = (str(uuid.uuid5(uuid.UUID(stage["id"]), part)) for part in ("checkpoint", "phase"))
    records = [
        {"id": stage["id"], "parentId": None, "type": "Stage", "name": stage["name"], **stage_fields},
        {"id": checkpoint, "parentId": stage["id"], "type": "Checkpoint", "name": "Checkpoint", **stage_fields},
        {"id": phase, "parentId": stage["id"], "type": "Phase", "name": "Phase", **stage_fields},
    ]
    kinds = {"approval": "Checkpoint.Approval", "task": "Checkpoint.TaskCheck", "poll": "Checkpoint.TaskCheck"}
    for gate in stage["gates"]:
        if gate["id"] and gate["kind"] in kinds:
            step_fields = {"state": gate["state"], "result": gate["result"], "parentId": checkpoint}
            name = gate.get("record", gate["id"])  # A check's record need not have the id of its task.
            records.append({"id": name, "type": kinds[gate["kind"]], "name": kinds[gate["kind"]], **step_fields})
    for step in (candidate for candidate in stage["steps"] if candidate["id"]):
        step_fields = {"state": step["state"], "result": step["result"]}
        records.append({"id": step["job"], "parentId": phase, "type": "Job", "name": "Job", **step_fields})
        records.append({"id": step["id"], "parentId": step["job"], "type": "Task", "name": "Task", **step_fields})
    return records
