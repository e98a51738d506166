"""Batch endpoint jobs over REST on an `azure.core` pipeline.

Not `azure.ai.ml`: its invoke is not idempotent, leaks a header between calls, and costs seconds and 114 MB to import.
Contracts: https://learn.microsoft.com/azure/machine-learning/how-to-use-batch-endpoint.
"""

from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    ContentDecodePolicy,
    CustomHookPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import failure, translated
from shared.domain.failures import Refused
from shared.domain.routes import Overrides, Scoring, Workspace
from shared.ports import BatchJob, Job

_API = "2024-10-01"
_Client: TypeAlias = PipelineClient[HttpRequest, HttpResponse]
_RETRIES = {"GET": 3}  # By method; anything else is sent once.
_PROVIDER = "providers/Microsoft.MachineLearningServices"


class AzureMlJobs:
    """Implements `shared.ports.Jobs`. *hosts* are the only ones a scoring token is ever sent to."""

    def __init__(
        self, credential: TokenCredential, resource_manager: str, audience: str, hosts: tuple[str, ...]
    ) -> None:
        self._arm = _client(resource_manager, credential, f"{resource_manager}/.default")
        self._scoring = _client("https://ml.azure.com", credential, f"{audience}/.default")
        self._resource_manager, self._hosts = resource_manager, hosts
        self._uris: dict[tuple[Workspace, str], str] = {}

    def submit(self, job: BatchJob) -> Job:
        found = self.find(job.scoring, job.name)
        if found:
            return found
        url = self._scoring_uri(job.scoring)
        request = HttpRequest(
            "POST", url, json=_body(job), headers={"azureml-model-deployment": job.scoring.deployment}
        )
        answer = self._send(self._scoring, request, f"submit job {job.name}", accept=(200, 201, 202, 409))
        if answer.status_code != 409:
            return _job(answer.json())
        found = self.find(job.scoring, job.name)
        if found is None:
            raise failure(f"submit job {job.name}", 409, answer.text()[:300])
        return found

    def look(self, scoring: Scoring, job: str) -> Job:
        url = f"{self._workspace(scoring.workspace)}/jobs/{quote(job)}?api-version={_API}"
        return _job(self._send(self._arm, HttpRequest("GET", url), f"look at job {job}").json())

    def cancel(self, workspace: Workspace, job: str) -> None:
        url = f"{self._workspace(workspace)}/jobs/{quote(job)}/cancel?api-version={_API}"
        self._send(self._arm, HttpRequest("POST", url), f"cancel job {job}", accept=(200, 202, 204, 400, 404))

    def find(self, scoring: Scoring, name: str) -> Job | None:
        """The endpoint's job with the friendly *name*: what a lost answer to a submission left behind."""
        return next((job for job in self._list(scoring) if job.name == name), None)

    def _list(self, scoring: Scoring) -> Iterator[Job]:
        base = f"{self._workspace(scoring.workspace)}/batchEndpoints/{quote(scoring.endpoint)}/jobs"
        url: str | None = f"{base}?api-version={_API}"
        while url:
            self._refuse_foreign(url)
            page = self._send(self._arm, HttpRequest("GET", url), f"list the jobs of {scoring.endpoint}").json()
            yield from map(_job, page.get("value", ()))
            url = page.get("nextLink")

    def _refuse_foreign(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self._resource_manager).netloc:
            raise Refused(f"nextLink {url!r} leaves {self._resource_manager}: the token is not sent there")

    def _scoring_uri(self, scoring: Scoring) -> str:
        key = (scoring.workspace, scoring.endpoint)
        if key not in self._uris:
            url = f"{self._workspace(scoring.workspace)}/batchEndpoints/{quote(scoring.endpoint)}?api-version={_API}"
            answer = self._send(self._arm, HttpRequest("GET", url), f"look at batch endpoint {scoring.endpoint}")
            self._uris[key] = _allowed(str(answer.json()["properties"]["scoringUri"]), self._hosts)
        return self._uris[key]

    def _workspace(self, workspace: Workspace) -> str:
        return (
            f"{self._resource_manager}/subscriptions/{quote(workspace.subscription)}"
            f"/resourceGroups/{quote(workspace.resource_group)}/{_PROVIDER}/workspaces/{quote(workspace.workspace)}"
        )

    def _send(self, client: _Client, request: HttpRequest, what: str, accept: tuple[int, ...] = (200,)) -> HttpResponse:
        with translated(what):
            answer: HttpResponse = client.send_request(request, retry_total=_RETRIES.get(request.method, 0))
        if answer.status_code not in accept:
            raise failure(what, answer.status_code, answer.text()[:300])
        return answer


def _client(base: str, credential: TokenCredential, scope: str) -> _Client:
    """A pipeline without blind retries of POST: the retry that is safe is the one that looks first."""
    policies = [
        UserAgentPolicy("signalbox"),
        CustomHookPolicy(),
        RetryPolicy(),
        BearerTokenCredentialPolicy(credential, scope),
        ContentDecodePolicy(),
    ]
    return PipelineClient(base, policies=policies)


def _allowed(uri: str, hosts: tuple[str, ...]) -> str:
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
