"""Batch endpoint jobs over REST on an `azure.core` pipeline.

Not `azure.ai.ml`: its invoke is not idempotent, leaks a header between calls, and costs seconds and 114 MB to import.
Contracts: https://learn.microsoft.com/azure/machine-learning/how-to-use-batch-endpoint.
"""

from fnmatch import fnmatch
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest

from shared.adapters.azure_faults import failure
from shared.adapters.azure_ml_arm import Arm, pipeline, place_path, send
from shared.domain.failures import Refused
from shared.domain.routes import Overrides, Scoring, Workspace
from shared.ports import BatchJob, Job


class AzureMlJobs:
    """Implements `shared.ports.Jobs`. *hosts* are the only ones a scoring token is ever sent to."""

    def __init__(self, arm: Arm, credential: TokenCredential, audience: str, hosts: tuple[str, ...]) -> None:
        self._arm = arm
        self._scoring = pipeline("https://ml.azure.com", credential, f"{audience}/.default")
        self._hosts = hosts
        self._uris: dict[tuple[Workspace, str], str] = {}

    def submit(self, job: BatchJob) -> Job:
        found = self.find(job.scoring, job.name)
        if found:
            return found
        url = self._scoring_uri(job.scoring)
        request = HttpRequest(
            "POST", url, json=_body(job), headers={"azureml-model-deployment": job.scoring.deployment}
        )
        answer = send(self._scoring, request, f"submit job {job.name}", accept=(200, 201, 202, 409))
        if answer.status_code != 409:
            return _job(answer.json())
        found = self.find(job.scoring, job.name)
        if found is None:
            raise failure(f"submit job {job.name}", 409, answer.text()[:300])
        return found

    def look(self, scoring: Scoring, job: str) -> Job:
        raw = self._arm.get(f"{place_path(scoring.workspace)}/jobs/{quote(job)}", f"look at job {job}")
        if raw is None:
            raise Refused(f"job {job} is not in {scoring.workspace.name} any more")
        return _job(raw)

    def cancel(self, workspace: Workspace, job: str) -> None:
        path = f"{place_path(workspace)}/jobs/{quote(job)}/cancel"
        self._arm.post(path, {}, f"cancel job {job}", accept=(200, 202, 204, 400, 404))

    def find(self, scoring: Scoring, name: str) -> Job | None:
        """The endpoint's job with the friendly *name*: what a lost answer to a submission left behind."""
        path = f"{place_path(scoring.workspace)}/batchEndpoints/{quote(scoring.endpoint)}/jobs"
        jobs = map(_job, self._arm.list(path, f"list the jobs of {scoring.endpoint}"))
        return next((job for job in jobs if job.name == name), None)

    def _scoring_uri(self, scoring: Scoring) -> str:
        key = (scoring.workspace, scoring.endpoint)
        if key not in self._uris:
            path = f"{place_path(scoring.workspace)}/batchEndpoints/{quote(scoring.endpoint)}"
            raw = self._arm.get(path, f"look at batch endpoint {scoring.endpoint}")
            if raw is None:
                raise Refused(f"batch endpoint {scoring.endpoint} is not in {scoring.workspace.name}; deploy it there")
            self._uris[key] = allowed_uri(str(raw["properties"]["scoringUri"]), self._hosts)
        return self._uris[key]


def allowed_uri(uri: str, hosts: tuple[str, ...]) -> str:
    """*uri*, if a scoring token may go there. Raises Refused."""
    parts = urlsplit(uri)
    if parts.scheme != "https" or not any(fnmatch(parts.netloc, pattern) for pattern in hosts):
        raise Refused(
            f"scoringUri {uri!r} is not on an allowed host; AZURE_ML_INFERENCE_HOSTS allows {', '.join(hosts)}"
        )
    return uri


def _body(job: BatchJob) -> dict[str, Any]:
    """The invoke body (azure-ai-ml `BatchJobSchema`); fields left out keep the deployment's own value."""
    root = f"azureml://datastores/{job.datastore}/paths"
    properties: dict[str, Any] = {
        "name": job.name,
        "InputData": {"data": {"JobInputType": "UriFolder", "Uri": f"{root}/{job.input_path}/"}},
        "OutputData": {
            "score": {"JobOutputType": "UriFile", "Uri": f"{root}/{job.output_path}/{job.overrides.output_file_name}"}
        },
        "outputFileName": job.overrides.output_file_name,
    }
    return {"properties": properties | _overrides(job.overrides)}


def _overrides(overrides: Overrides) -> dict[str, Any]:
    given: dict[str, Any] = {
        "miniBatchSize": overrides.mini_batch_size,
        "errorThreshold": overrides.error_threshold,
        "compute": None if overrides.instance_count is None else {"instanceCount": overrides.instance_count},
        "retrySettings": _retry(overrides),
    }
    return {name: value for name, value in given.items() if value is not None}


def _retry(overrides: Overrides) -> dict[str, Any] | None:
    given = {
        "maxRetries": overrides.retries,
        "timeout": None if overrides.timeout_s is None else f"PT{overrides.timeout_s}S",
    }
    return {name: value for name, value in given.items() if value is not None} or None


def _job(raw: dict[str, Any]) -> Job:
    """A job of either shape: the invoke answer, or ARM's JobBase (whose friendly name is `displayName`)."""
    properties = raw.get("properties") or {}
    friendly = properties.get("name") or properties.get("displayName") or raw["name"]
    return Job(id=str(raw["name"]), name=str(friendly), status=str(properties.get("status") or "NotStarted"))
