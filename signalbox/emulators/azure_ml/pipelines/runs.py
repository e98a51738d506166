"""Runs of pipeline components, however they are called, and jobs put by name: judged by the component, then queued."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, Refusal, bad
from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.jobs import JobError, JobQueue, NewJob
from signalbox.emulators.azure_ml.pipelines.components import judge
from signalbox.emulators.azure_ml.pipelines.training import TrainingSpec, TrainingWork

_NO_FOLDER = {"literal", "string", "integer", "number", "boolean"}


class PipelineRuns:
    def __init__(self, entrance: Entrance, jobs: JobQueue, work: TrainingWork) -> None:
        self._entrance, self._jobs, self._work = entrance, jobs, work

    def add_to(self, app: web.Application) -> None:
        app.router.add_put(f"{WORKSPACE}/jobs/{{job}}", self._put)

    def start(self, spec: TrainingSpec, properties: Mapping[str, Any], friendly: str, name: str = "") -> dict[str, Any]:
        """The new job. Raises Refusal where the component is not there or does not take what it is given."""
        scope = self._entrance.estate.at(spec.workspace)
        assert scope is not None
        try:
            problem = judge(self._work.component(spec.component, scope), spec.folders, spec.literals)
        except JobError as error:
            raise bad(str(error)) from error
        if problem:
            raise bad(problem)
        job_properties = {**properties, "componentId": spec.component}
        new = NewJob(kind="training", spec=asdict(spec), friendly=friendly, name=name, properties=job_properties)
        return self._jobs.submit(new)

    async def _put(self, request: web.Request) -> web.Response:
        """A job of type Pipeline; a name is used once."""
        scope, name = self._entrance.admit(request), request.match_info["job"]
        properties = (await request.json())["properties"]
        if properties.get("jobType") != "Pipeline" or not properties.get("componentId"):
            raise bad("only jobs of jobType Pipeline with a componentId run here")
        if self._jobs.find(name) is not None:
            raise Refusal(409, "UserError", f"a job named {name} already exists")
        folders, literals = split_inputs(properties.get("inputs") or {})
        spec = TrainingSpec(
            workspace=scope.id,
            component=properties["componentId"],
            folders=folders,
            literals=literals,
            outputs=output_uris(properties.get("outputs") or {}),
        )
        run_properties = {
            "experimentName": properties.get("experimentName") or "Default",
            "tags": properties.get("tags") or {},
            "properties": properties.get("properties") or {},
        }
        job = self.start(spec, run_properties, properties.get("displayName") or "", name)
        return web.json_response(job_document(job), status=201)


def job_document(job: dict[str, Any]) -> dict[str, Any]:
    """A job as Resource Manager shows it."""
    own = {name: value for name, value in job.items() if name not in ("spec", "kind", "times")}
    created_at = job.get("times", {}).get("created")
    return own | {"type": f"{PROVIDER}/workspaces/jobs", "systemData": {"createdAt": created_at}}


def split_inputs(inputs: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """(folders, literals) of a job's inputs."""
    folders, literals = {}, {}
    for name, input_ in inputs.items():
        if str(field(input_, "jobInputType")).lower() in _NO_FOLDER:
            literals[name] = str(field(input_, "value"))
        else:
            folders[name] = str(field(input_, "uri"))
    return folders, literals


def output_uris(outputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(field(output, "uri") or "") for name, output in outputs.items()}


def field(raw: Mapping[str, Any], name: str) -> Any:
    """The services take the names of fields in any case."""
    return next((value for key, value in raw.items() if key.lower() == name.lower()), None)
