"""Invocations of batch endpoints, of models and of pipeline components alike: found by our name, or made.

Not `azure.ai.ml`: its invoke is not idempotent and leaks a header between calls (docs/decisions/0017-azure-ai-ml.md).
Contracts: https://learn.microsoft.com/azure/machine-learning/how-to-use-batch-endpoint.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from azure.core.credentials import TokenCredential
from azure.core.rest import HttpRequest

from shared.adapters.allowed_hosts import require_allowed_host
from shared.adapters.azure_faults import failure
from shared.adapters.azure_ml.arm import Arm, pipeline, place_path, send
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.ports import Job
from shared.telemetry.spans import job_traceparent


class BatchInvocations:
    """*hosts* are the only ones a scoring token is ever sent to."""

    def __init__(self, arm: Arm, credential: TokenCredential, audience: str, hosts: tuple[str, ...]) -> None:
        self._arm = arm
        self._scoring = pipeline("https://ml.azure.com", credential, f"{audience}/.default")
        self._hosts = hosts
        self._uris: dict[tuple[Workspace, str], str] = {}

    def submit(
        self, workspace: Workspace, endpoint: str, deployment: str, name: str, properties: dict[str, Any]
    ) -> Job:
        """The job called *name*; without a *deployment* the endpoint's default one makes it. Safe to repeat."""
        job = self.find(workspace, endpoint, name)
        if job:
            return job
        headers = {"azureml-model-deployment": deployment} if deployment else {}
        url = self._scoring_uri(workspace, endpoint)
        request = HttpRequest("POST", url, json={"properties": with_trace(name, properties)}, headers=headers)
        answer = send(self._scoring, request, f"submit job {name}", accept=(200, 201, 202, 409))
        # 409: an earlier try whose answer was lost, or another process, has made the job meanwhile.
        if answer.status_code != 409:
            return job_of(answer.json())
        job = self.find(workspace, endpoint, name)
        if job is None:
            raise failure(f"submit job {name}", 409, answer.text()[:300])
        return job

    def find(self, workspace: Workspace, endpoint: str, name: str) -> Job | None:
        """The endpoint's job with the friendly *name*: what a lost answer to a submission left behind."""
        return next(self.jobs(workspace, endpoint, name), None)

    def jobs(self, workspace: Workspace, endpoint: str, name: str) -> Iterator[Job]:
        """All of them: Azure ML lets several jobs have one friendly name."""
        path = f"{place_path(workspace)}/batchEndpoints/{quote(endpoint)}/jobs"
        jobs = map(job_of, self._arm.list(path, f"list the jobs of {endpoint}"))
        return (job for job in jobs if job.name == name)

    def _scoring_uri(self, workspace: Workspace, endpoint: str) -> str:
        key = (workspace, endpoint)
        if key not in self._uris:
            path = f"{place_path(workspace)}/batchEndpoints/{quote(endpoint)}"
            raw = self._arm.get(path, f"look at batch endpoint {endpoint}")
            if raw is None:
                raise Refused(f"batch endpoint {endpoint} is not in {workspace.name}; deploy it there")
            self._uris[key] = allowed_uri(str(raw["properties"]["scoringUri"]), self._hosts)
        return self._uris[key]


def allowed_uri(uri: str, hosts: tuple[str, ...]) -> str:
    """*uri*, if a scoring token may go there. Raises Refused."""
    return require_allowed_host(uri, hosts, "scoringUri", "AZURE_ML_INFERENCE_HOSTS")


def job_of(raw: dict[str, Any]) -> Job:
    """A job of either shape: the invoke answer, or ARM's JobBase (whose friendly name is `displayName`)."""
    properties = raw.get("properties") or {}
    friendly = properties.get("name") or properties.get("displayName") or raw["name"]
    status, created_at = properties.get("status") or "NotStarted", (raw.get("systemData") or {}).get("createdAt") or ""
    return Job(id=str(raw["name"]), name=str(friendly), status=str(status), created=str(created_at))


def with_trace(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """*properties* of the job called *name*, which carries where its own spans belong, the same at every repeat."""
    parent = job_traceparent(name)
    return (
        {**properties, "properties": {**properties.get("properties", {}), "traceparent": parent}}
        if parent
        else properties
    )
