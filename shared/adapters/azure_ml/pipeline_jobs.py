"""Training pipelines of Azure ML v2: a pipeline component behind a batch endpoint, or a pipeline job put by its name.

A pipeline job is a resource with the name we give; an invocation gets an id of its own and keeps ours as a friendly
name, by which it is found. Contracts: Jobs of https://learn.microsoft.com/rest/api/azureml, and azure-ai-ml's
`BatchJobSchema`.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from shared.adapters.azure_ml.arm import Arm, place_path
from shared.adapters.azure_ml.invocations import BatchInvocations, with_trace
from shared.adapters.azure_ml.tracking import BECAUSE, Tracking
from shared.domain.access.redaction import redacted
from shared.domain.failures import Refused
from shared.domain.inference.runs import JobState, job_state
from shared.domain.retraining.pipelines import Pipeline, PipelineRun, PipelineRunSeen, arguments
from shared.ports import Job


class PipelineJobs:
    """Implements `shared.ports.Pipelines` but for metrics: `submit` and `find` are of pipeline jobs."""

    def __init__(self, arm: Arm, tracking: Tracking) -> None:
        self._arm, self._tracking = arm, tracking

    def submit(self, run: PipelineRun) -> PipelineRunSeen:
        # Azure ML refuses a second PUT of a job, so an earlier try whose answer was lost has to be found first.
        run_seen = self.find(run.pipeline, run.name)
        return run_seen or _run_seen(self._arm.put(_path(run.pipeline, run.name), _job(run), f"submit run {run.name}"))

    def find(self, pipeline: Pipeline, name: str) -> PipelineRunSeen | None:
        raw = self._arm.get(_path(pipeline, name), f"look for run {name}")
        return None if raw is None else _run_seen(raw)

    def look(self, pipeline: Pipeline, run: str) -> PipelineRunSeen:
        raw = self._arm.get(_path(pipeline, run), f"look at run {run}")
        if raw is None:
            raise Refused(f"run {run} is not in {pipeline.workspace.name} any more")
        run_seen = _run_seen(raw)
        if job_state(run_seen.status) is JobState.ACTIVE:
            return run_seen
        return _run_seen(raw, *self._tracking.noted(pipeline.workspace, run_seen.id))

    def cancel(self, pipeline: Pipeline, run: str, because: str) -> None:
        if job_state(self.look(pipeline, run).status) is not JobState.ACTIVE:
            return
        # The reason is written first. After the cancellation nobody would write it if this process died.
        self._tracking.note(pipeline.workspace, run, {BECAUSE: because})
        self._arm.post(f"{_path(pipeline, run)}/cancel", {}, f"cancel run {run}", accept=(200, 202, 204, 400, 404))


class PipelineEndpoints(PipelineJobs):
    """The same, of a pipeline component that is deployed behind a batch endpoint."""

    def __init__(self, arm: Arm, tracking: Tracking, invocations: BatchInvocations) -> None:
        super().__init__(arm, tracking)
        self._invocations = invocations

    def submit(self, run: PipelineRun) -> PipelineRunSeen:
        """An invocation takes no tags: they are put on the run once it has made one, again if it is repeated."""
        pipeline = run.pipeline
        job = self._invocations.submit(
            pipeline.workspace, pipeline.name, pipeline.deployment, run.name, _invocation(run)
        )
        # An endpoint accepts two runs under one friendly name, so they are listed again: all callers agree that the
        # oldest stays.
        first, *duplicates = [*self._named(pipeline, run.name)] or [job]
        for duplicate in duplicates:
            self.cancel(pipeline, duplicate.id, f"run {first.id} with the same name was made before it")
        if run.tags:
            self._tracking.note(pipeline.workspace, first.id, run.tags)
        return _invoked(first)

    def find(self, pipeline: Pipeline, name: str) -> PipelineRunSeen | None:
        job = next(self._named(pipeline, name), None)
        return None if job is None else _invoked(job)

    def _named(self, pipeline: Pipeline, name: str) -> Iterator[Job]:
        """The oldest first: of two that were made at the same moment it stays."""
        jobs = self._invocations.jobs(pipeline.workspace, pipeline.name, name)
        yield from sorted(jobs, key=lambda job: (job.created, job.id))


def _path(pipeline: Pipeline, run: str) -> str:
    return f"{place_path(pipeline.workspace)}/jobs/{quote(run)}"


def _job(run: PipelineRun) -> dict[str, Any]:
    """`PipelineJob` of Azure Resource Manager; its compute is the default of the steps that name none."""
    settings: dict[str, Any] = {"_source": "REMOTE.WORKSPACE.COMPONENT", "continue_on_step_failure": False}
    if run.compute.target:
        settings["default_compute"] = run.compute.target
    inputs = {name: {"jobInputType": "uri_folder", "uri": folder} for name, folder in run.data.items()}
    literals = {name: {"jobInputType": "literal", "value": value} for name, value in arguments(run).items()}
    return {
        "properties": with_trace(
            run.name,
            {
                "jobType": "Pipeline",
                "displayName": run.name,
                "experimentName": run.experiment,
                "componentId": _component(run.pipeline),
                "tags": dict(run.tags),
                "settings": settings,
                "inputs": {**inputs, **literals},
                "outputs": {"output": {"jobOutputType": "uri_folder", "uri": run.output}},
                "isArchived": False,
            },
        )
    }


def _component(pipeline: Pipeline) -> str:
    """The ARM id of `name:version`; ids of components in registries are given whole."""
    if "/" in pipeline.name:
        return pipeline.name
    name, _, version = pipeline.name.partition(":")
    if not version:
        raise Refused(f"component {pipeline.name!r} names no version; use NAME:VERSION")
    return f"{place_path(pipeline.workspace)}/components/{quote(name)}/versions/{quote(version)}"


def _invocation(run: PipelineRun) -> dict[str, Any]:
    folders = {name: {"JobInputType": "UriFolder", "Uri": folder} for name, folder in run.data.items()}
    literals = {name: {"JobInputType": "Literal", "Value": value} for name, value in arguments(run).items()}
    return {
        "name": run.name,
        "InputData": {**folders, **literals},
        "OutputData": {"output": {"JobOutputType": "UriFolder", "Uri": run.output}},
        "properties": {"experimentName": run.experiment},
    }


def _invoked(job: Job) -> PipelineRunSeen:
    return PipelineRunSeen(id=job.id, name=job.name, status=job.status)


def _run_seen(raw: dict[str, Any], started: str = "", ended: str = "", because: str = "") -> PipelineRunSeen:
    properties = raw.get("properties") or {}
    return PipelineRunSeen(
        id=str(raw["name"]),
        name=str(properties.get("displayName") or raw["name"]),
        status=str(properties.get("status") or "NotStarted"),
        started=started or str((raw.get("systemData") or {}).get("createdAt") or ""),
        ended=ended,
        because=redacted(because or str((properties.get("error") or {}).get("message") or "")),
    )
