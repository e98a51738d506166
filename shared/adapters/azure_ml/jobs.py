"""Batch scoring jobs over REST.

Contracts: https://learn.microsoft.com/azure/machine-learning/how-to-use-batch-endpoint.
"""

from typing import Any
from urllib.parse import quote

from shared.adapters.azure_ml.arm import Arm, place_path
from shared.adapters.azure_ml.invocations import BatchInvocations, job_of
from shared.domain.failures import Refused
from shared.domain.inference.routes import Overrides, Scoring, Workspace
from shared.ports import BatchJob, Job


class AzureMlJobs:
    """Implements `shared.ports.Jobs`."""

    def __init__(self, arm: Arm, invocations: BatchInvocations) -> None:
        self._arm, self._invocations = arm, invocations

    def submit(self, job: BatchJob) -> Job:
        scoring = job.scoring
        return self._invocations.submit(
            scoring.workspace, scoring.endpoint, scoring.deployment, job.name, _properties(job)
        )

    def look(self, scoring: Scoring, job: str) -> Job:
        raw = self._arm.get(f"{place_path(scoring.workspace)}/jobs/{quote(job)}", f"look at job {job}")
        if raw is None:
            raise Refused(f"job {job} is not in {scoring.workspace.name} any more")
        return job_of(raw)

    def cancel(self, workspace: Workspace, job: str) -> None:
        path = f"{place_path(workspace)}/jobs/{quote(job)}/cancel"
        self._arm.post(path, {}, f"cancel job {job}", accept=(200, 202, 204, 400, 404))

    def find(self, scoring: Scoring, name: str) -> Job | None:
        return self._invocations.find(scoring.workspace, scoring.endpoint, name)


def _properties(job: BatchJob) -> dict[str, Any]:
    """Of the invoke body (azure-ai-ml `BatchJobSchema`); fields left out keep the deployment's own value."""
    root = f"azureml://datastores/{job.datastore}/paths"
    properties: dict[str, Any] = {
        "name": job.name,
        "InputData": {"data": {"JobInputType": "UriFolder", "Uri": f"{root}/{job.input_path}/"}},
        "OutputData": {
            "score": {"JobOutputType": "UriFile", "Uri": f"{root}/{job.output_path}/{job.overrides.output_file_name}"}
        },
        "outputFileName": job.overrides.output_file_name,
    }
    return properties | _overrides(job.overrides, job.scoring.workspace)


def _overrides(overrides: Overrides, workspace: Workspace) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "miniBatchSize": overrides.mini_batch_size,
        "errorThreshold": overrides.error_threshold,
        "compute": _compute(overrides, workspace),
        "retrySettings": _retry(overrides),
    }
    return {name: value for name, value in settings.items() if value is not None}


def _compute(overrides: Overrides, workspace: Workspace) -> dict[str, Any] | None:
    target = overrides.compute and f"{place_path(workspace)}/computes/{overrides.compute}"
    settings = {"target": target, "instanceCount": overrides.instance_count}
    return {name: value for name, value in settings.items() if value is not None} or None


def _retry(overrides: Overrides) -> dict[str, Any] | None:
    settings = {
        "maxRetries": overrides.retries,
        "timeout": None if overrides.timeout_s is None else f"PT{overrides.timeout_s}S",
    }
    return {name: value for name, value in settings.items() if value is not None} or None
