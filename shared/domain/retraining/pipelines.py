"""A training pipeline and a run of it, in the words that both generations of Azure ML share."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.inference.routes import Workspace


class PipelineKind(StrEnum):
    """How a pipeline is called: v1's published REST endpoint, or one of its v2 successors."""

    PUBLISHED = "published"
    ENDPOINT = "endpoint"  # A pipeline component deployed behind a batch endpoint.
    JOB = "job"  # A pipeline job, put by name.


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """*name* is a published pipeline's GUID, a batch endpoint's name, or a component's `name:version`."""

    kind: PipelineKind
    workspace: Workspace
    name: str
    deployment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCompute:
    """What a run is given to train on; empty or zero leaves the pipeline's own. *idle_s* is in seconds."""

    target: str = ""
    instance_type: str = ""
    instances: int = 0
    idle_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    """A run to be made: *name* is ours and deterministic, *data* are folders of datastores (`azureml://...`) by name.

    The pipeline writes `model/`, `extras/` and `metrics.json` to the folder *output*.
    """

    name: str
    pipeline: Pipeline
    experiment: str
    output: str
    parameters: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    compute: TrainingCompute = field(default_factory=TrainingCompute)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRunSeen:
    """A run as Azure ML knows it: *id* is its own, *name* ours; times are ISO 8601 UTC, empty until they are known.

    *status* is one of the job statuses of v2 in both generations; *because* is why it failed or was cancelled.
    """

    id: str
    name: str
    status: str
    started: str = ""
    ended: str = ""
    because: str = ""


def arguments(run: PipelineRun) -> dict[str, str]:
    """The run's parameters and, under names of their own, what it is to train on: texts, as both generations take."""
    compute = {
        "compute_target": run.compute.target,
        "instance_type": run.compute.instance_type,
        "instances": str(run.compute.instances or ""),
        "idle_s": str(run.compute.idle_s or ""),
    }
    return {**run.parameters, **{name: value for name, value in compute.items() if value}}


def superseded(kind: PipelineKind) -> str:
    """What to say of a pipeline that is called in a way that Azure ML has given up; empty for the others."""
    if kind is not PipelineKind.PUBLISHED:
        return ""
    return (
        "is a published pipeline of Azure ML v1, whose support ended on 2026-06-30; "
        "deploy a pipeline component behind a batch endpoint (kind: endpoint) as docs/training-pipelines.md shows"
    )
