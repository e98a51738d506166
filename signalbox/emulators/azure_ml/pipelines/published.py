"""Published pipelines of v1: the discovery of services, and the doors of pipeline runs.

Shapes: `PipelineSubmissionInfo` and `PipelineRunEntity` of azureml-pipeline-core. A pipeline is published by PUT
/_control/published-pipelines: the graph that v1 would publish is a pipeline component of v2 on this machine.
"""

import uuid
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, not_found
from signalbox.emulators.azure_ml.jobs import JobQueue
from signalbox.emulators.azure_ml.pipelines.runs import PipelineRuns, field
from signalbox.emulators.azure_ml.pipelines.training import TrainingSpec
from signalbox.emulators.azure_ml.resources import Resources

_ROOT = f"/pipelines/v1.0{WORKSPACE}"
_STATUSES = {
    "NotStarted": "NotStarted",
    "Queued": "NotStarted",
    "Completed": "Finished",
    "Failed": "Failed",
    "Canceled": "Canceled",
}


class PublishedDoors:
    def __init__(self, entrance: Entrance, resources: Resources, jobs: JobQueue, runs: PipelineRuns) -> None:
        self._entrance, self._resources, self._jobs, self._runs = entrance, resources, jobs, runs

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/discovery", self._discover)
        app.router.add_put("/_control/published-pipelines", self._publish)
        app.router.add_get(f"{_ROOT}/Pipelines/{{pipeline}}", self._show_pipeline)
        app.router.add_post(f"{_ROOT}/PipelineRuns/PipelineSubmit/{{pipeline}}", self._submit)
        app.router.add_get(f"{_ROOT}/PipelineRuns/Pipeline/{{pipeline}}", self._list)
        app.router.add_get(f"{_ROOT}/PipelineRuns/{{run}}", self._show)
        app.router.add_delete(f"{_ROOT}/PipelineRuns/{{run}}/Execution", self._cancel)

    async def _discover(self, request: web.Request) -> web.Response:
        """Anonymous, as the service's own."""
        del request
        names = ("api", "history", "experimentation", "modelmanagement")
        return web.json_response(dict.fromkeys(names, self._entrance.base_url))

    async def _publish(self, request: web.Request) -> web.Response:
        """{id, name, workspace (ARM id), component (ARM id)}."""
        body = await request.json()
        pipeline = {name: body[name] for name in ("id", "name", "workspace", "component")}
        self._resources.put(f"/published/{body['id']}", pipeline)
        return web.json_response(pipeline)

    async def _show_pipeline(self, request: web.Request) -> web.Response:
        pipeline = self._pipeline(request)
        root = pipeline["workspace"]
        url = f"{self._entrance.base_url}/pipelines/v1.0{root}/PipelineRuns/PipelineSubmit/{pipeline['id']}"
        entity = {"Id": pipeline["id"], "Name": pipeline["name"], "Url": url, "EntityStatus": "Active"}
        return web.json_response(entity)

    async def _submit(self, request: web.Request) -> web.Response:
        pipeline, body = self._pipeline(request), await request.json()
        literals = {name: str(value) for name, value in (field(body, "ParameterAssignments") or {}).items()}
        outputs = {"output": literals.pop("output", "")}
        paths = field(body, "DataPathAssignments") or {}
        spec = TrainingSpec(
            workspace=pipeline["workspace"],
            component=pipeline["component"],
            folders={name: _uri(path) for name, path in paths.items()},
            literals=literals,
            outputs=outputs,
            published=pipeline["id"],
        )
        properties = {
            "experimentName": field(body, "ExperimentName") or "Default",
            "tags": field(body, "Tags") or {},
            "properties": field(body, "Properties") or {},
        }
        job = self._runs.start(spec, properties, str(field(body, "Description") or ""))
        return web.json_response(_entity(job))

    async def _list(self, request: web.Request) -> web.Response:
        pipeline = self._pipeline(request)
        scope = self._entrance.estate.at(pipeline["workspace"])
        jobs = self._jobs.of_workspace(scope) if scope else []
        return web.json_response([_entity(job) for job in jobs if job["spec"].get("published") == pipeline["id"]])

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_entity(self._run(request)))

    async def _cancel(self, request: web.Request) -> web.Response:
        self._jobs.cancel(self._run(request)["name"])
        return web.Response(status=200)

    def _pipeline(self, request: web.Request) -> dict[str, Any]:
        self._entrance.check_token(request)
        pipeline = self._resources.get(f"/published/{request.match_info['pipeline']}")
        if pipeline is None or not request.path.lower().startswith(f"/pipelines/v1.0{pipeline['workspace']}/".lower()):
            raise not_found(request.path)
        return pipeline

    def _run(self, request: web.Request) -> dict[str, Any]:
        self._entrance.check_token(request)
        job = self._jobs.find(request.match_info["run"])
        if job is None or not job["spec"].get("published"):
            raise not_found(request.path)
        return job


def _uri(path: dict[str, str]) -> str:
    return f"azureml://datastores/{field(path, 'DataStoreName')}/paths/{field(path, 'RelativePath')}"


def _entity(job: dict[str, Any]) -> dict[str, Any]:
    properties, spec, times = job["properties"], job["spec"], job["times"]
    status = {
        "StatusCode": _STATUSES.get(properties["status"], "Running"),
        "StatusDetail": (properties.get("error") or {}).get("message"),
        "CreationTime": times["created"],
        "EndTime": times.get("ended"),
    }
    return {
        "Id": job["name"],
        "Description": properties["displayName"],
        "Status": status,
        "GraphId": str(uuid.uuid5(uuid.NAMESPACE_URL, spec["component"])),
        "IsSubmitted": True,
        "HasErrors": properties["status"] == "Failed",
        "UploadState": "Completed",
        "ParameterAssignments": spec["literals"],
        "RunHistoryExperimentName": properties.get("experimentName"),
        "PipelineId": spec["published"],
        "RunSource": "Unavailable",
        "RunType": "HTTP",
        "tags": properties["tags"],
        "Properties": properties["properties"],
        "EntityStatus": "Active",
        "Etag": f'"{job["name"]}"',
        "CreatedDate": times["created"],
        "LastModifiedDate": times.get("ended") or times["created"],
    }
