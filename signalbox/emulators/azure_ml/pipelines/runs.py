"""Runs of pipeline components, however they are called, and jobs put by name: judged by the component, then queued."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, Refusal, bad
from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.jobs import JobError, JobQueue, NewJob
from signalbox.emulators.azure_ml.pipelines.components import judge
from signalbox.emulators.azure_ml.pipelines.specs import inline_spec, output_places, refuse_steps
from signalbox.emulators.azure_ml.pipelines.training import TrainingSpec, TrainingWork

_FIXED = ("jobType", "componentId", "command", "codeId", "inputs", "jobs")
_CHANGEABLE = ("tags", "description", "displayName", "properties", "isArchived")
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
            document = self._work.specification(spec, scope)
        except JobError as error:
            raise bad(str(error)) from error
        refuse_steps(document)
        problem = judge(document, spec.folders, spec.literals)
        if problem:
            raise bad(problem)
        guid = name or str(uuid4())
        placed = replace(spec, outputs=output_places(guid, document, spec.outputs))
        job_properties = {**properties, "outputs": _shown_outputs(document, placed.outputs)}
        if spec.component:
            job_properties["componentId"] = spec.component
        friendly = friendly or name or f"batchjob-{guid}"
        new = NewJob(kind="training", spec=asdict(placed), friendly=friendly, name=guid, properties=job_properties)
        return self._jobs.submit(new)

    async def _put(self, request: web.Request) -> web.Response:
        """A new job, or other tags, description, display name and visibility of one that there is."""
        scope, name = self._entrance.admit(request), request.match_info["job"]
        properties = (await request.json())["properties"]
        existing = self._jobs.named(name)
        if existing is not None:
            return web.json_response(job_document(self._change(existing, properties)))
        folders, literals = split_inputs(properties.get("inputs") or {})
        inline = inline_spec(name, properties)
        spec = TrainingSpec(
            workspace=scope.id,
            component="" if inline else properties["componentId"],
            folders=folders,
            literals=literals,
            outputs=output_uris(properties.get("outputs") or {}),
            inline=inline,
            registered=_registered_outputs(properties.get("outputs") or {}),
        )
        run_properties = {
            **properties,
            "experimentName": properties.get("experimentName") or "Default",
            "tags": properties.get("tags") or {},
            "properties": properties.get("properties") or {},
        }
        job = self.start(spec, run_properties, properties.get("displayName") or "", name)
        return web.json_response(job_document(job), status=201)

    def _change(self, job: dict[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
        """Raises Refusal where what the job runs would change."""
        fixed = [
            name for name in _FIXED if properties.get(name, job["properties"].get(name)) != job["properties"].get(name)
        ]
        if fixed:
            raise Refusal(
                409,
                "UserError",
                f"A job named {job['name']} already exists, and its {', '.join(fixed)} cannot be changed: only "
                f"{', '.join(_CHANGEABLE)} can; use another name for a new job.",
            )
        return self._jobs.change(job["name"], {name: properties[name] for name in _CHANGEABLE if name in properties})


def job_document(job: dict[str, Any]) -> dict[str, Any]:
    """A job as Resource Manager shows it."""
    own = {name: value for name, value in job.items() if name not in ("spec", "kind", "times")}
    created_at = job.get("times", {}).get("created")
    workspace = job["id"].rpartition("/jobs/")[0]
    studio = {"jobServiceType": "Studio", "endpoint": f"https://ml.azure.com/runs/{job['name']}?wsid={workspace}"}
    own["properties"] = {**job["properties"], "services": {"Studio": studio}}
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


def _shown_outputs(document: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, dict[str, str]]:
    declarations = document.get("outputs") or {}
    return {
        name: {"jobOutputType": declarations[name].get("type", "uri_folder"), "uri": uri, "mode": "ReadWriteMount"}
        for name, uri in places.items()
    }


def _registered_outputs(outputs: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The outputs that become versions of an asset when the job ends; an empty version is the next one."""
    return {
        name: {"name": str(output["assetName"]), "version": str(output.get("assetVersion") or "")}
        for name, output in outputs.items()
        if isinstance(output, dict) and output.get("assetName")
    }


def output_uris(outputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(field(output, "uri") or "") for name, output in outputs.items()}


def field(raw: Mapping[str, Any], name: str) -> Any:
    """The services take the names of fields in any case."""
    return next((value for key, value in raw.items() if key.lower() == name.lower()), None)
