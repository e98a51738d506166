"""Published pipelines of Azure ML v1 over their REST endpoint. Support for it ended on 2026-06-30: see kind `endpoint`.

v1 knows no names of ours: a tag carries it, the pipeline's runs are looked through before one is made and after, and of
two that were made at once the older stays. Contract: the client of azureml-pipeline-core 1.62, `AMLPipelinesAPI10`.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from shared.adapters.azure_ml.datastores import datastore_place
from shared.adapters.azure_ml.invocations import with_trace
from shared.adapters.azure_ml.regions import Regions
from shared.adapters.azure_ml.tracking import BECAUSE, Tracking
from shared.domain.access.redaction import redacted
from shared.domain.failures import Refused
from shared.domain.inference.runs import JobState, job_state
from shared.domain.retraining.pipelines import Pipeline, PipelineRun, PipelineRunSeen, arguments

_NAME = "signalbox.run"
_STATUSES = {
    "0": "NotStarted",
    "1": "Running",
    "2": "Failed",
    "3": "Completed",
    "4": "Canceled",
    "Finished": "Completed",
}


class PublishedPipelines:
    """Implements `shared.ports.Pipelines` but for metrics, which `AzureMlPipelines` adds."""

    def __init__(self, regions: Regions, tracking: Tracking) -> None:
        self._regions, self._tracking = regions, tracking

    def submit(self, run: PipelineRun) -> PipelineRunSeen:
        existing = self.find(run.pipeline, run.name)
        if existing:
            return existing
        url = f"{self._runs(run.pipeline)}/PipelineSubmit/{quote(run.pipeline.name)}"
        new_run = _run_seen(self._regions.ask("POST", url, f"submit run {run.name}", _body(run)).json())
        # v1 knows no names of ours, so two callers at the same moment make two runs. Both list them and agree that the
        # oldest stays.
        first, *duplicates = [*self._named(run.pipeline, run.name)] or [new_run]
        for duplicate in duplicates:
            self.cancel(run.pipeline, duplicate.id, f"run {first.id} with the same name was made before it")
        return first

    def find(self, pipeline: Pipeline, name: str) -> PipelineRunSeen | None:
        return next(self._named(pipeline, name), None)

    def look(self, pipeline: Pipeline, run: str) -> PipelineRunSeen:
        url = f"{self._runs(pipeline)}/{quote(run)}"
        answer = self._regions.ask("GET", url, f"look at run {run}", accept=(200, 404))
        if answer.status_code == 404:
            raise Refused(f"run {run} is not in {pipeline.workspace.name} any more")
        run_seen = _run_seen(answer.json())
        if job_state(run_seen.status) is JobState.ACTIVE:
            return run_seen
        _, _, because = self._tracking.noted(pipeline.workspace, run)
        return _run_seen(answer.json(), because)

    def cancel(self, pipeline: Pipeline, run: str, because: str) -> None:
        if job_state(self.look(pipeline, run).status) is not JobState.ACTIVE:
            return
        # The reason is written first. After the cancellation nobody would write it if this process died.
        self._tracking.note(pipeline.workspace, run, {BECAUSE: because})
        url = f"{self._runs(pipeline)}/{quote(run)}/Execution"
        self._regions.ask("DELETE", url, f"cancel run {run}", accept=(200, 202, 204, 400, 404, 409))

    def _named(self, pipeline: Pipeline, name: str) -> Iterator[PipelineRunSeen]:
        """The runs that carry our *name*, the oldest first; those that were cancelled as too many come last."""
        url = f"{self._runs(pipeline)}/Pipeline/{quote(pipeline.name)}"
        answer = self._regions.ask("GET", url, f"list the runs of pipeline {pipeline.name}", accept=(200, 404))
        if answer.status_code == 404:
            raise Refused(f"pipeline {pipeline.name} is not published in {pipeline.workspace.name}; publish it there")
        runs = [raw for raw in answer.json() if _tags(raw).get(_NAME) == name]
        yield from map(_run_seen, sorted(runs, key=lambda raw: (str(raw.get("CreatedDate")), str(raw["Id"]))))

    def _runs(self, pipeline: Pipeline) -> str:
        return f"{self._regions.pipelines(pipeline.workspace)}/PipelineRuns"


def _body(run: PipelineRun) -> dict[str, Any]:
    """`PipelineSubmissionInfo`; a published pipeline takes folders to read as data paths, the one to write as text."""
    body = {
        "ExperimentName": run.experiment,
        "RunSource": "Signalbox",
        "RunType": "HTTP",
        "Description": run.name,
        "Tags": {**run.tags, _NAME: run.name},
        "ParameterAssignments": {**arguments(run), "output": run.output},
        "DataPathAssignments": {name: _data_path(folder) for name, folder in run.data.items()},
    }
    return with_trace(run.name, body)


def _data_path(folder: str) -> dict[str, str]:
    location = datastore_place(folder)
    if location is None:
        raise Refused(f"{folder!r} is not azureml://datastores/NAME/paths/PATH; give training data from there")
    return {"DataStoreName": location[0], "RelativePath": location[1]}


def _run_seen(raw: dict[str, Any], because: str = "") -> PipelineRunSeen:
    """Statuses come as numbers or as texts; a run without one has not started."""
    status = raw.get("Status") or {}
    code = str(status.get("StatusCode") if status.get("StatusCode") is not None else "NotStarted")
    return PipelineRunSeen(
        id=str(raw["Id"]),
        name=_tags(raw).get(_NAME, ""),
        status=_STATUSES.get(code, code),
        started=str(status.get("CreationTime") or raw.get("CreatedDate") or ""),
        ended=str(status.get("EndTime") or ""),
        because=redacted(because or str(status.get("StatusDetail") or "")),
    )


def _tags(raw: dict[str, Any]) -> dict[str, str]:
    return raw.get("tags") or raw.get("Tags") or {}
