"""The data plane of batch endpoints: POST {scoringUri} makes a job, GET {scoringUri}/{name} follows it."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.batch.work import JobSpec
from signalbox.emulators.azure_ml.doors import Check
from signalbox.emulators.azure_ml.endpoint_names import EndpointNames
from signalbox.emulators.azure_ml.jobs import JobQueue, NewJob
from signalbox.emulators.azure_ml.pipelines.runs import PipelineRuns, field, output_uris, split_inputs
from signalbox.emulators.azure_ml.pipelines.training import TrainingSpec
from signalbox.emulators.azure_ml.resources import Resources

AUDIENCES = ("https://ml.azure.com",)
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


class ScoringDoors:
    def __init__(
        self,
        check: Check,
        resources: Resources,
        names: EndpointNames,
        jobs: JobQueue,
        runs: PipelineRuns,
        computes: Sequence[str],
    ) -> None:
        self._check, self._resources, self._names, self._jobs, self._runs = check, resources, names, jobs, runs
        self._computes = computes

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/batch/{endpoint}/jobs", self._submit)
        app.router.add_get("/batch/{endpoint}/jobs/{name}", self._show)

    async def _submit(self, request: web.Request) -> web.Response:
        self._check(request, AUDIENCES)
        endpoint = self._endpoint(request.match_info["endpoint"])
        if endpoint is None:
            return _error(404, "ResourceNotFound", f"batch endpoint {request.match_info['endpoint']} does not exist")
        name = request.headers.get("azureml-model-deployment") or endpoint["properties"]["defaults"]["deploymentName"]
        deployment = self._resources.get(f"{endpoint['id']}/deployments/{name}")
        if deployment is None:
            return _error(404, "ResourceNotFound", f"deployment {name} does not exist")
        properties = field(await request.json(), "properties") or {}
        friendly = str(field(properties, "name") or "")
        if friendly and self._jobs.find(friendly):
            return _error(409, "Conflict", f"a job named {friendly} already exists")
        try:
            job = self._start(properties, friendly, endpoint, deployment)
        except (ValueError, KeyError, StopIteration) as error:
            return _error(400, "BadRequest", f"the job cannot be read: {error!r}")
        return web.json_response(_answer(job), status=201)

    def _start(
        self, properties: dict[str, Any], friendly: str, endpoint: dict[str, Any], deployment: dict[str, Any]
    ) -> dict[str, Any]:
        """What is deployed says what an invocation is: a pipeline component trains, a model scores."""
        configuration = deployment["properties"].get("deploymentConfiguration") or {}
        if configuration.get("deploymentConfigurationType") != "PipelineComponent":
            self._refuse_strange_compute(field(properties, "compute") or {}, endpoint)
            spec = asdict(read_spec(_lower(properties), endpoint, deployment))
            job_properties = {"properties": _texts(properties)}
            return self._jobs.submit(NewJob(kind="scoring", spec=spec, friendly=friendly, properties=job_properties))
        folders, literals = split_inputs(field(properties, "inputData") or {})
        spec_ = TrainingSpec(
            workspace=_workspace(endpoint),
            endpoint=endpoint["name"],
            component=configuration["componentId"]["assetId"],
            folders=folders,
            literals=literals,
            outputs=output_uris(field(properties, "outputData") or {}),
        )
        own = _texts(properties)
        tags, experiment = configuration.get("tags") or {}, own.get("experimentName") or endpoint["name"]
        run_properties: dict[str, Any] = {"experimentName": experiment, "properties": own, "tags": tags}
        return self._runs.start(spec_, run_properties, friendly)

    def _refuse_strange_compute(self, compute: dict[str, Any], endpoint: dict[str, Any]) -> None:
        """Raises ValueError for a target that is no ARM id of a cluster of the endpoint's workspace."""
        target = str(field(compute, "target") or "")
        known = [f"{_workspace(endpoint)}/computes/{name}".lower() for name in self._computes]
        if target and target.lower() not in known:
            raise ValueError(f"compute {target} is not in the workspace")

    async def _show(self, request: web.Request) -> web.Response:
        self._check(request, AUDIENCES)
        job = self._jobs.find(request.match_info["name"])
        if job is None:
            return _error(404, "ResourceNotFound", f"job {request.match_info['name']} does not exist")
        return web.json_response(_answer(job))

    def _endpoint(self, name: str) -> dict[str, Any] | None:
        path = self._names.path_of(name)
        return self._resources.get(path) if "/batchendpoints/" in path.lower() else None


def read_spec(properties: dict[str, Any], endpoint: dict[str, Any], deployment: dict[str, Any]) -> JobSpec:
    """The job that *properties* (keys in lower case) and the deployment's own settings describe."""
    own = _lower(deployment["properties"])
    inputs = properties.get("inputdata") or {}
    source = next(iter(inputs.values()))
    outputs = list((properties.get("outputdata") or {}).values())
    target = outputs[0].get("uri", "") if outputs else ""
    retry = {**_request_inputs(own.get("retrysettings")), **_request_inputs(properties.get("retrysettings"))}
    compute = {**_request_inputs(own.get("resources")), **_request_inputs(properties.get("compute"))}

    def setting(name: str, default: Any) -> Any:
        value = properties.get(name)
        return value if value is not None else own.get(name) if own.get(name) is not None else default

    return JobSpec(
        workspace=_workspace(endpoint),
        endpoint=endpoint["name"],
        deployment=deployment["id"],
        input_uri=source["uri"],
        output_uri=target,
        output_file=setting("outputfilename", "predictions.csv"),
        mini_batch_size=int(setting("minibatchsize", 10)),
        error_threshold=int(setting("errorthreshold", -1)),
        workers=int(compute.get("instancecount", 1)) * int(own.get("maxconcurrencyperinstance") or 1),
        max_retries=int(retry.get("maxretries", 3)),
        timeout_s=seconds(str(retry.get("timeout", "PT30S"))),
    )


def _workspace(endpoint: dict[str, Any]) -> str:
    return re.split("/batchEndpoints/", endpoint["id"], flags=re.I)[0]


def _texts(properties: dict[str, Any]) -> dict[str, str]:
    """The caller's own properties of the job."""
    return {name: str(value) for name, value in _request_inputs(field(properties, "properties")).items()}


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    """The invoke answer: `name` is the GUID, `properties.name` the friendly name."""
    return {
        "id": job["id"],
        "name": job["name"],
        "type": "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs",
        "properties": job["properties"] | {"name": job["properties"]["displayName"]},
    }


def _lower(value: Any) -> Any:
    """JSON with all object keys in lower case, except the caller's own names of inputs and outputs."""
    if isinstance(value, dict):
        return {str(key).lower(): _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


def _request_inputs(raw: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (raw or {}).items() if value is not None}


def seconds(duration: str) -> float:
    parts = _DURATION.fullmatch(duration)
    if not parts:
        raise ValueError(f"timeout {duration!r} is not an ISO 8601 duration such as PT30S")
    return float(parts[1] or 0) * 3600 + float(parts[2] or 0) * 60 + float(parts[3] or 0)


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
