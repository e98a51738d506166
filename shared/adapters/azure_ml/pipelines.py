"""Training pipelines of both generations of Azure ML behind one port, chosen by how the pipeline is called."""

from collections.abc import Mapping
from typing import Protocol

from shared.adapters.azure_ml.pipeline_jobs import PipelineEndpoints, PipelineJobs
from shared.adapters.azure_ml.published_pipelines import PublishedPipelines
from shared.adapters.azure_ml.tracking import Tracking
from shared.domain.retraining.pipelines import Pipeline, PipelineKind, PipelineRun, PipelineRunSeen


class _Runs(Protocol):
    def submit(self, run: PipelineRun) -> PipelineRunSeen: ...
    def find(self, pipeline: Pipeline, name: str) -> PipelineRunSeen | None: ...
    def look(self, pipeline: Pipeline, run: str) -> PipelineRunSeen: ...
    def cancel(self, pipeline: Pipeline, run: str, because: str) -> None: ...


class AzureMlPipelines:
    """Implements `shared.ports.Pipelines`."""

    def __init__(
        self,
        published_pipelines: PublishedPipelines,
        endpoints: PipelineEndpoints,
        jobs: PipelineJobs,
        tracking: Tracking,
    ) -> None:
        self._tracking = tracking
        self._kinds: dict[PipelineKind, _Runs] = {
            PipelineKind.PUBLISHED: published_pipelines,
            PipelineKind.ENDPOINT: endpoints,
            PipelineKind.JOB: jobs,
        }

    def submit(self, run: PipelineRun) -> PipelineRunSeen:
        return self._kinds[run.pipeline.kind].submit(run)

    def find(self, pipeline: Pipeline, name: str) -> PipelineRunSeen | None:
        return self._kinds[pipeline.kind].find(pipeline, name)

    def look(self, pipeline: Pipeline, run: str) -> PipelineRunSeen:
        return self._kinds[pipeline.kind].look(pipeline, run)

    def cancel(self, pipeline: Pipeline, run: str, because: str) -> None:
        self._kinds[pipeline.kind].cancel(pipeline, run, because)

    def tag(self, pipeline: Pipeline, run: str, tags: Mapping[str, str]) -> None:
        self._tracking.note(pipeline.workspace, run, tags)

    def root(self, pipeline: Pipeline, run: str) -> str:
        return self._tracking.root(pipeline.workspace, run)

    def metrics(self, pipeline: Pipeline, run: str) -> dict[str, float]:
        return self._tracking.metrics(pipeline.workspace, run)
